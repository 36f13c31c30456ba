"""Several worker processes of one kind, with spare ones that take over at once when one dies."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Coroutine

from deployments.contracts.deadlines import DeadlinePlaces
from deployments.contracts.playout import Playout
from deployments.contracts.streams import Closing
from deployments.isolation.errors import (
    CallRefused,
    WorkerError,
    WorkerNotStarted,
    WorkerQueueFull,
)
from deployments.isolation.frames import Header
from deployments.isolation.spec import WorkerSpec
from deployments.isolation.worker_process import Frame, WorkerProcess

log = logging.getLogger(__name__)

_FIRST_RETRY_S, _MAX_RETRY_S = 0.1, 5.0


class WorkerPool:
    """Runs ``size`` calls at a time on ``size + spares`` processes. ``max_queued`` more calls may wait.

    A process is replaced when it ends, and after ``max_calls`` calls.
    """

    def __init__(
        self, spec: WorkerSpec, size: int = 1, *, spares: int = 1, max_queued: int = 64, max_calls: int = 1000
    ) -> None:
        self._spec = spec
        self._process_count = size + spares
        self._max_running_and_queued = size + max_queued
        self._max_calls = max_calls
        self._places = DeadlinePlaces(size)
        self._idle: asyncio.LifoQueue[WorkerProcess | None] = asyncio.LifoQueue()
        self._workers: set[WorkerProcess] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = False
        self.live_calls = 0

    @property
    def running(self) -> bool:
        """True between ``start`` and ``stop``."""
        return self._running

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the processes that are ready or busy."""
        return tuple(worker.pid for worker in self._workers if worker.alive)

    async def start(self) -> None:
        """Returns when one worker is ready; the others follow. Raises WorkerNotStarted, CallRefused of the target."""
        if self._running:
            return
        self._idle = asyncio.LifoQueue()
        first = await self._started()
        self._running = True
        self._spawn(self._keep(first))
        for _ in range(self._process_count - 1):
            self._spawn(self._keep(None))

    async def stop(self) -> None:
        """Ends all processes. Calls in progress raise WorkerDied, waiting ones WorkerNotStarted. Idempotent."""
        self._running = False
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        for worker in self._workers:
            worker.kill()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in self._workers))
        self._workers.clear()
        for _ in range(self.live_calls):
            self._idle.put_nowait(None)

    async def call(
        self, header: Header, body: bytes = b"", *, deadline_s: float, listener: Playout | None = None
    ) -> AsyncGenerator[Frame]:
        """Yields the items of one call, on any worker. Waiting calls run in the order of ``DeadlinePlaces``.

        ``deadline_s`` counts the time spent waiting for a place, for a worker and for its items. Raises WorkerError.
        """
        if not self._running:
            raise WorkerNotStarted(f"{self._spec.name} is not running")
        if self.live_calls >= self._max_running_and_queued:
            raise WorkerQueueFull(f"{self.live_calls} calls run or wait in {self._spec.name}")
        self.live_calls += 1
        listener = listener or Playout()
        worker: WorkerProcess | None = None
        try:
            started = time.monotonic()
            worker = await self._take(deadline_s, listener)
            remaining_s = deadline_s - (time.monotonic() - started)
            async with Closing(worker.call(header, body, deadline_s=remaining_s)) as items:
                async for item in items:
                    yield item
        finally:
            if worker is None:
                self.live_calls -= 1
            else:
                self._spawn(self._give_back(worker, listener))

    async def _take(self, deadline_s: float, listener: Playout) -> WorkerProcess:
        """A free worker. The caller gives it back."""
        try:
            async with asyncio.timeout(deadline_s):
                await self._places.acquire(listener)
                try:
                    return await self._next_idle()
                except BaseException:
                    self._places.release(listener)
                    raise
        except TimeoutError:
            raise WorkerQueueFull(f"no process of {self._spec.name} was free in time") from None

    async def _next_idle(self) -> WorkerProcess:
        while (worker := await self._idle.get()) is not None:
            if worker.alive:
                return worker
        raise WorkerNotStarted(f"{self._spec.name} was stopped")

    async def _give_back(self, worker: WorkerProcess, listener: Playout) -> None:
        """Makes ``worker`` free again when a call that was left has ended."""
        try:
            await worker.settle()
            if worker.calls >= self._max_calls:
                await worker.stop()
            elif worker.alive:
                self._idle.put_nowait(worker)
        finally:
            self.live_calls -= 1
            self._places.release(listener)

    async def _keep(self, worker: WorkerProcess | None) -> None:
        """Keeps one process running: waits for its end and starts the next one."""
        delay_s = _FIRST_RETRY_S
        while True:
            try:
                worker = worker or await self._started()
            except (WorkerError, OSError) as error:
                log.warning("%s does not start: %s", self._spec.name, _describe(error))
                await asyncio.sleep(delay_s)
                delay_s = min(2 * delay_s, _MAX_RETRY_S)
                continue
            delay_s = _FIRST_RETRY_S
            self._workers.add(worker)
            self._idle.put_nowait(worker)
            await worker.wait()
            self._workers.discard(worker)
            await worker.stop()
            worker = None

    async def _started(self) -> WorkerProcess:
        worker = WorkerProcess(self._spec)
        await worker.start()
        return worker

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _describe(error: Exception) -> str:
    return error.code if isinstance(error, CallRefused) else str(error)
