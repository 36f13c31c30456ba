"""Blocking work as async streams: native calls run on named threads, never on the event loop.

Two shapes of native API, two verbs. ``push``: the library calls back while it works (llama.cpp, espeak-ng); the thread
is busy for the whole stream. ``pull``: the library hands out a generator (Piper, Whisper); every step is its own small
job, so a slow reader holds no thread and streams take turns. Nothing polls. Closing a stream tells the work at once.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from deployments.contracts.errors import Unavailable

T = TypeVar("T")
R = TypeVar("R")


class _End:
    """Closes a stream: with nothing, or with the error that broke the work."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class StreamSender(Generic[T]):
    """The thread's end of a pushed stream. At most ``limit`` items wait for the reader; None means no bound."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int | None) -> None:
        self._loop = loop
        self._room = None if limit is None else threading.Semaphore(limit)
        self._closed = threading.Event()
        self.queue: asyncio.Queue[T | _End] = asyncio.Queue()

    @property
    def closed(self) -> bool:
        """True once nobody reads any more: the work should stop."""
        return self._closed.is_set()

    def put(self, item: T) -> bool:
        """Hands ``item`` to the reader, waiting for room. False when the reader is gone. Call from the thread."""
        if self._room is not None and not self.closed:
            self._room.acquire()
        if self.closed:
            return False
        self._send(item)
        return True

    def end(self, error: BaseException | None) -> None:
        """Tells the reader that nothing more comes. Call from the thread."""
        self._send(_End(error))

    def release_slot(self) -> None:
        """The reader took one item. Call from the event loop."""
        if self._room is not None:
            self._room.release()

    def close(self) -> None:
        """The reader leaves; a ``put`` that waits for room returns False. Thread-safe, idempotent."""
        self._closed.set()
        self.release_slot()

    def _send(self, item: T | _End) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.queue.put_nowait, item)


class WorkerThreads:
    """``count`` threads that serve one engine. Whoever creates it calls ``stop``."""

    def __init__(self, name: str, count: int) -> None:
        self._name = name
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._outlets: set[StreamSender[Any]] = set()
        self._lock = threading.Lock()
        self._live = 0
        self._stopping = False

    @property
    def live_streams(self) -> int:
        """Streams whose work still goes on in a thread, or waits for one."""
        return self._live

    async def call(self, work: Callable[[], R]) -> R:
        """Runs ``work`` on a thread and returns or raises what it does."""
        return await asyncio.wrap_future(self._begin(work))

    async def stream_from_callback(
        self, work: Callable[[StreamSender[T]], None], limit: int | None = 64
    ) -> AsyncGenerator[T, None]:
        """What ``work`` puts into its outlet. ``work`` returns when ``put`` says False or ``closed`` is set."""
        outlet: StreamSender[T] = StreamSender(asyncio.get_running_loop(), limit)
        job = self._begin(lambda: _run(work, outlet))
        self._outlets.add(outlet)
        try:
            while not isinstance(item := await outlet.queue.get(), _End):
                outlet.release_slot()
                yield item
            if item.error is not None:
                raise item.error
        finally:
            self._outlets.discard(outlet)
            outlet.close()
            self._abandon(job)

    async def stream_from_generator(self, generate: Callable[[], Generator[T, None, None]]) -> AsyncGenerator[T, None]:
        """The items of a blocking generator, made one step ahead of the reader."""
        generator = generate()
        step = self._begin(lambda: next(generator, None))
        try:
            while (item := await self._result(step)) is not None:
                step = self._begin(lambda: next(generator, None))
                yield item
        finally:
            self._abandon(step)
            step.add_done_callback(lambda _: generator.close())

    async def stop(self) -> None:
        """Ends every stream with Unavailable and waits for the threads. No work starts afterwards."""
        self._stopping = True
        for outlet in tuple(self._outlets):
            outlet.end(self._refusal())
            outlet.close()
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    def _begin(self, work: Callable[[], R]) -> Future[R]:
        if self._stopping:
            raise self._refusal()
        self._count(+1)
        return self._pool.submit(self._counted, work)

    def _counted(self, work: Callable[[], R]) -> R:
        try:
            return work()
        finally:
            self._count(-1)

    def _abandon(self, job: Future[R]) -> None:
        if job.cancel():  # it never ran, so it never counts itself off
            self._count(-1)

    async def _result(self, step: Future[R]) -> R:
        try:
            return await asyncio.wrap_future(step)
        except asyncio.CancelledError:
            if self._stopping and step.cancelled():
                raise self._refusal() from None
            raise

    def _refusal(self) -> Unavailable:
        return Unavailable(f"{self._name} is stopping")

    def _count(self, change: int) -> None:
        with self._lock:
            self._live += change


def _run(work: Callable[[StreamSender[T]], None], outlet: StreamSender[T]) -> None:
    try:
        work(outlet)
    except BaseException as error:
        outlet.end(error)
    else:
        outlet.end(None)
