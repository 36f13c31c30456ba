"""Small tools for asynchronous streams: run ahead of a slow reader, close what was opened."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


async def close(stream: AsyncIterator[object]) -> None:
    """Closes ``stream`` if it can be closed; iterators without ``aclose`` hold nothing."""
    aclose = getattr(stream, "aclose", None)
    if aclose is not None:
        await aclose()


@asynccontextmanager
async def closing(stream: AsyncIterator[T]) -> AsyncGenerator[AsyncIterator[T]]:
    """``stream`` for the length of the block, closed at its end whatever happens."""
    try:
        yield stream
    finally:
        await close(stream)


async def ahead(stream: AsyncIterator[T], depth: int) -> AsyncGenerator[T]:
    """The items of ``stream``, read up to ``depth`` items ahead of the reader by a task that ends with this one."""
    items: asyncio.Queue[tuple[T | None, BaseException | None]] = asyncio.Queue(depth)

    async def read() -> None:
        try:
            async with closing(stream) as opened:
                async for item in opened:
                    await items.put((item, None))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await items.put((None, error))
        else:
            await items.put((None, StopAsyncIteration()))

    task = asyncio.create_task(read())
    try:
        while True:
            item, end = await items.get()
            if isinstance(end, StopAsyncIteration):
                return
            if end is not None:
                raise end
            yield item  # type: ignore[misc]
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
