"""Long sessions in worker processes: a session stays with the process that it was opened in.

The calls of all sessions of a process run one after the other in the order in which they were made, so a call should
be short. When a process dies, its sessions are lost: their next call raises CallRefused with the code
``unknown_session``, and new ones are opened in its successor.
The part in the process: ``session_handler.py``.
"""

import asyncio
import itertools
import sys
from collections.abc import Callable

from deployments.contracts.streams import Closing
from deployments.isolation.errors import WorkerQueueFull
from deployments.isolation.frames import Header
from deployments.isolation.spec import WorkerSpec
from deployments.isolation.worker_pool import WorkerPool
from deployments.isolation.worker_process import Frame

_MAX_QUEUED = 4_096


class SessionWorkers:
    """``size`` processes with at most ``max_sessions`` sessions each."""

    def __init__(self, spec: WorkerSpec, size: int = 1, max_sessions: int = 64) -> None:
        self._max_sessions = max_sessions
        self._pools = tuple(
            WorkerPool(spec, 1, spares=0, max_queued=_MAX_QUEUED, max_calls=sys.maxsize) for _ in range(size)
        )
        self._open = dict.fromkeys(range(size), 0)
        self._numbers = itertools.count(1)
        self._starting = asyncio.Lock()

    @property
    def running(self) -> bool:
        return all(pool.running for pool in self._pools)

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the processes."""
        return tuple(pid for pool in self._pools for pid in pool.pids)

    @property
    def sessions(self) -> int:
        """How many are open."""
        return sum(self._open.values())

    async def start(self) -> None:
        """May be called again, also at the same time. Raises WorkerNotStarted, CallRefused of the target."""
        async with self._starting:
            for pool in self._pools:
                await pool.start()

    async def stop(self) -> None:
        """Ends all processes. Idempotent."""
        for pool in self._pools:
            await pool.stop()

    async def open(self, header: Header, deadline_s: float) -> "WorkerSession":
        """A session in the process with the fewest. Raises WorkerQueueFull, and what ``call`` raises."""
        place = min(self._open, key=lambda index: self._open[index])
        if self._open[place] >= self._max_sessions:
            raise WorkerQueueFull(f"{self.sessions} sessions are open")
        self._open[place] += 1
        session = WorkerSession(self._pools[place], next(self._numbers), deadline_s, lambda: self._release(place))
        try:
            await session.call({**header, "do": "open"})
        except BaseException:
            await session.close()
            raise
        return session

    def _release(self, place: int) -> None:
        self._open[place] -= 1


class WorkerSession:
    """One session. ``close`` must be called, once is enough."""

    def __init__(self, pool: WorkerPool, number: int, deadline_s: float, release: Callable[[], None]) -> None:
        self._pool = pool
        self._number = number
        self._deadline_s = deadline_s
        self._release: Callable[[], None] | None = release

    async def call(self, header: Header, body: bytes = b"") -> Frame:
        """The answer to one call. Raises the errors of ``WorkerPool.call``."""
        call = self._pool.call({**header, "session": self._number}, body, deadline_s=self._deadline_s)
        answer: Frame = ({}, b"")
        async with Closing(call) as items:
            async for item in items:
                answer = item
        return answer

    async def close(self) -> None:
        """Frees the session. A lost one is freed already."""
        release, self._release = self._release, None
        if release is None:
            return
        try:
            if self._pool.running and self._pool.pids:
                await self.call({"do": "close"})
        finally:
            release()
