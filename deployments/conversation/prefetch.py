"""Small tools for asynchronous streams: run ahead of a slow reader, begin before anybody asks."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Generic, TypeVar

from deployments.contracts.streams import Closing, close_stream

T = TypeVar("T")


async def prefetch(stream: AsyncIterator[T], depth: int) -> AsyncGenerator[T]:
    """The items of ``stream``, read up to ``depth`` items ahead of the reader by a task that ends with this one."""
    items: asyncio.Queue[tuple[T | None, BaseException | None]] = asyncio.Queue(depth)

    async def read() -> None:
        try:
            async with Closing(stream) as opened:
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


class _Empty(Exception):
    """The stream ended before its first item."""


class EagerStream(Generic[T]):
    """A stream whose first item is being fetched before anybody asks for it. To be closed, read or not."""

    def __init__(self, stream: AsyncIterator[T]) -> None:
        self._stream = stream
        self._first = asyncio.create_task(self._fetch())

    async def items(self) -> AsyncGenerator[T]:
        """All items of the stream, from the first one."""
        try:
            first = await self._first
        except _Empty:
            return
        yield first
        async for item in self._stream:
            yield item

    async def aclose(self) -> None:
        self._first.cancel()
        await asyncio.gather(self._first, return_exceptions=True)
        await close_stream(self._stream)

    async def _fetch(self) -> T:
        async for item in self._stream:
            return item
        raise _Empty


class LazyStream(Generic[T]):
    """The same shape without the head start: nothing happens before the first item is asked for."""

    def __init__(self, stream: AsyncIterator[T]) -> None:
        self._stream = stream

    def items(self) -> AsyncIterator[T]:
        return self._stream

    async def aclose(self) -> None:
        await close_stream(self._stream)
