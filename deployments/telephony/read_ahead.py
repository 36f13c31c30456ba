"""Reading a stream ahead of its consumer by a bounded amount, and closing it whatever happens."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

from deployments.contracts.streams import Closing

T = TypeVar("T")

_END = object()


async def read_ahead(stream: AsyncIterator[T], depth: int) -> AsyncGenerator[T]:
    """The items of ``stream``, at most ``depth`` of them made before they are asked for.

    An error of ``stream`` is raised after the items that came before it.
    """
    items: asyncio.Queue[T | object] = asyncio.Queue(depth)

    async def read() -> None:
        try:
            async with Closing(stream):
                async for item in stream:
                    await items.put(item)
        finally:
            if not _cancelled():
                await items.put(_END)

    reader = asyncio.create_task(read())
    try:
        while (item := await items.get()) is not _END:
            yield item  # type: ignore[misc]
        await reader
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


def _cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
