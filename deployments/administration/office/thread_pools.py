"""Threads of a room's own. What blocks for long, or may hang, leaves alone the threads that everybody shares."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from deployments.contracts.errors import Overloaded, Unavailable

T = TypeVar("T")


class DedicatedThreadPool:
    """``count`` threads, made when they are needed. Whoever makes the object closes it."""

    def __init__(self, name: str, count: int = 1) -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._under_way: set[Future[Any]] = set()

    @property
    def pending_count(self) -> int:
        """Pieces of work that are under way or wait for a thread."""
        return len(self._under_way)

    async def run(self, work: Callable[[], T]) -> T:
        """What ``work`` returns or raises, once a thread is free. Work that was begun goes on when its caller leaves,
        other work is dropped. Unavailable after ``close``."""
        return await asyncio.wrap_future(self.submit(work))

    async def run_or_reject(self, work: Callable[[], T], message: str, retry_after_s: float) -> T:
        """The same without waiting for a thread: raises Overloaded with ``refusal`` while all are busy."""
        if self.pending_count >= self._count:
            raise Overloaded(message, retry_after_s=retry_after_s)
        return await self.run(work)

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """The work as a future of its thread. Raises Unavailable after ``close``."""
        try:
            future = self._pool.submit(work)
        except RuntimeError:
            raise Unavailable("the office is closing") from None
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future

    def close(self) -> None:
        """Takes no more work and waits for none."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class SharedCall(Generic[T]):
    """What is asked, blocking, of something that may hang. Who asks while it is being asked shares the answer, so that
    it holds one thread at most. Whoever makes the object closes it."""

    def __init__(self, name: str, call: Callable[[], T], timeout_s: float) -> None:
        self._threads = DedicatedThreadPool(name)
        self._ask = call
        self._patience_s = timeout_s
        self._asked: Future[T] | None = None

    async def result(self) -> T:
        """Raises what ``ask`` raises; TimeoutError after ``patience_s``, and the question goes on; Unavailable after
        ``close``."""
        if self._asked is None or self._asked.done():
            self._asked = self._threads.submit(self._ask)
        async with asyncio.timeout(self._patience_s):
            return await asyncio.shield(asyncio.wrap_future(self._asked))

    def close(self) -> None:
        """Asks no more and waits for nothing."""
        self._threads.close()
