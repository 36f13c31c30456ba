"""Helpers for asynchronous streams: closing them reliably, and reading ahead of a slow consumer."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Closing(Generic[T]):
    """``async with Closing(stream) as items`` closes ``stream`` at the end of the block.

    Like ``contextlib.aclosing``, but also accepts iterators without ``aclose``.
    """

    __slots__ = ("_stream",)

    def __init__(self, stream: AsyncIterator[T]) -> None:
        self._stream = stream

    async def __aenter__(self) -> AsyncIterator[T]:
        return self._stream

    async def __aexit__(self, *_: object) -> None:
        await close_stream(self._stream)


async def close_stream(stream: AsyncIterator[Any]) -> None:
    """Calls ``aclose`` of ``stream`` if it has one."""
    aclose = getattr(stream, "aclose", None)
    if aclose is not None:
        await aclose()


async def iterate(items: Iterable[T]) -> AsyncGenerator[T]:
    """``items`` as a stream."""
    for item in items:
        yield item


class _End:
    """The end of the stream in the queue of ``ReadAhead``; ``error`` is what the stream raised."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class ReadAhead(AsyncIterator[T]):
    """Iterates over ``stream``, up to ``depth`` items of which are read before they are asked for.

    A task reads from the moment of construction, so the object needs a running event loop and must be closed. An error
    of ``stream`` is raised after the items that came before it.
    """

    def __init__(self, stream: AsyncIterator[T], depth: int) -> None:
        self._stream = stream
        self._items: asyncio.Queue[T | _End] = asyncio.Queue(depth)
        self._ended = False
        self._task = asyncio.create_task(self._read())

    async def __anext__(self) -> T:
        if self._ended:
            raise StopAsyncIteration
        item = await self._items.get()
        if not isinstance(item, _End):
            return item
        self._ended = True
        if item.error is not None:
            raise item.error
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Stops reading and closes ``stream``."""
        self._ended = True
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await close_stream(self._stream)

    async def _read(self) -> None:
        error: BaseException | None = None
        try:
            async with Closing(self._stream) as items:
                async for item in items:
                    await self._items.put(item)
        except asyncio.CancelledError as raised:
            if _is_cancelled():
                raise
            error = raised  # the stream raised it, this task goes on
        except Exception as raised:
            error = raised
        await self._items.put(_End(error))


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class NewestValue(Generic[T]):
    """Hands the newest value from any thread to one coroutine; values that were not taken in time are dropped.

    Built on the event loop that calls ``get``.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._values: asyncio.Queue[T] = asyncio.Queue()

    def put(self, value: T) -> None:
        """Replaces what is waiting. Does nothing once the loop is closed."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._values.put_nowait, value)

    async def get(self) -> T:
        value = await self._values.get()
        while not self._values.empty():
            value = self._values.get_nowait()
        return value


async def until_failed(stream: AsyncIterator[T], work: asyncio.Future[Any]) -> AsyncGenerator[T]:
    """The items of ``stream``. Raises the error of ``work`` as soon as it fails; does not close ``stream``."""
    while True:
        if work.done():
            work.result()
        item = asyncio.ensure_future(_next(stream))
        waited: set[asyncio.Future[Any]] = {item} if work.done() else {item, work}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
            await asyncio.wait({item})
        finally:
            if not item.done():
                item.cancel()
                await asyncio.gather(item, return_exceptions=True)
        try:
            found = item.result()
        except StopAsyncIteration:
            return
        yield found


async def _next(stream: AsyncIterator[T]) -> T:
    return await anext(stream)
