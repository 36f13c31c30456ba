"""Threads for blocking calls that may take long or hang, apart from the default executor of the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from deployments.contracts.errors import Overloaded, Unavailable

T = TypeVar("T")


class DedicatedThreadPool:
    """At most ``count`` threads, started on demand. The owner calls ``close``."""

    def __init__(self, name: str, count: int = 1) -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._pending: set[Future[Any]] = set()

    @property
    def pending_count(self) -> int:
        """How many calls run or wait for a thread."""
        return len(self._pending)

    async def run(self, work: Callable[[], T]) -> T:
        """Returns or raises what ``work`` does, once a thread is free. When the caller is cancelled, running work goes
        on and waiting work is dropped. Raises Unavailable after ``close``."""
        return await asyncio.wrap_future(self.submit(work))

    async def run_or_reject(self, work: Callable[[], T], message: str, retry_after_s: float) -> T:
        """``run`` without waiting for a thread: raises Overloaded with ``message`` while all are busy."""
        if self.pending_count >= self._count:
            raise Overloaded(message, retry_after_s=retry_after_s)
        return await self.run(work)

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Starts ``work`` as soon as a thread is free. Raises Unavailable after ``close``."""
        try:
            future = self._pool.submit(work)
        except RuntimeError:
            raise Unavailable("the office is closing") from None
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def close(self) -> None:
        """Refuses new work, drops waiting work and does not wait for running work."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class SharedCall(Generic[T]):
    """A blocking call that may hang. Callers that arrive while it runs share its result, so that it holds at most one
    thread. The owner calls ``close``."""

    def __init__(self, name: str, call: Callable[[], T], timeout_s: float) -> None:
        self._threads = DedicatedThreadPool(name)
        self._call = call
        self._timeout_s = timeout_s
        self._future: Future[T] | None = None

    async def result(self) -> T:
        """Raises what ``call`` raises; TimeoutError after ``timeout_s``, while the call goes on; Unavailable after
        ``close``."""
        if self._future is None or self._future.done():
            self._future = self._threads.submit(self._call)
        async with asyncio.timeout(self._timeout_s):
            return await asyncio.shield(asyncio.wrap_future(self._future))

    def close(self) -> None:
        """Refuses further calls and does not wait for a running one."""
        self._threads.close()
