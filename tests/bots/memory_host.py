"""A process host in memory and a source of snapshots for tests of the supervisor."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bots.bot_status import BotState, BotStatus
from bots.process_host import ProcessDied
from bots.supervisor import BotSupervisor, SupervisorTimings
from deployments.contracts.instances import BotSpec
from deployments.contracts.snapshot import Snapshot

FAST_TIMINGS = SupervisorTimings(
    reconcile_interval_s=0.02, first_retry_s=0.05, max_retry_s=0.2, unresponsive_timeout_s=0.1, superseded_retry_s=0.1
)


class MemoryProcess:
    """A bot process that ends when ``end`` is set."""

    def __init__(self, spec: BotSpec) -> None:
        self.spec = spec
        self.end: asyncio.Future[BotStatus] = asyncio.get_running_loop().create_future()
        self.stopped = False
        self.unresponsive = False
        self.updates = 0

    async def wait(self) -> BotStatus:
        return await asyncio.shield(self.end)

    async def status(self) -> BotStatus:
        if self.unresponsive or self.end.done():
            raise ProcessDied("no response")
        return BotStatus(self.spec.id, self.spec.version, BotState.RUNNING, updates=self.updates, pid=7)

    async def stop(self) -> None:
        await asyncio.sleep(0.01)
        self.stopped = True
        if not self.end.done():
            self.end.set_result(BotStatus(self.spec.id, self.spec.version, BotState.STOPPED))


class MemoryHost:
    """Starts processes in memory and fails when a bot would run twice. Raises ``errors`` first."""

    def __init__(self) -> None:
        self.started: list[MemoryProcess] = []
        self.errors: list[Exception] = []

    async def start(self, spec: BotSpec) -> MemoryProcess:
        await asyncio.sleep(0.01)
        if self.errors:
            raise self.errors.pop(0)
        assert spec.id not in [process.spec.id for process in self.alive], "two processes for one bot"
        process = MemoryProcess(spec)
        self.started.append(process)
        return process

    @property
    def alive(self) -> list[MemoryProcess]:
        return [process for process in self.started if not process.end.done()]

    @property
    def running(self) -> list[tuple[str, int]]:
        return sorted((process.spec.id, process.spec.version) for process in self.alive)


class SnapshotQueue:
    """A stream of snapshots. An exception in the queue is raised to the reader."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Snapshot | Exception] = asyncio.Queue()

    def publish(self, *rows: tuple[str, int]) -> None:
        bots = tuple(BotSpec(id=name, name=name, sealed_token="sealed", version=version) for name, version in rows)
        self.queue.put_nowait(Snapshot(bots=bots))

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        while True:
            item = await self.queue.get()
            if isinstance(item, Exception):
                raise item
            yield item


@asynccontextmanager
async def running_supervisor(host: MemoryHost, snapshots: SnapshotQueue) -> AsyncIterator[BotSupervisor]:
    supervisor = BotSupervisor(host, FAST_TIMINGS)
    task = asyncio.create_task(supervisor.run(snapshots.snapshots()))
    try:
        yield supervisor
    finally:
        task.cancel()
        await asyncio.wait({task})
        assert host.alive == []
        assert task.cancelled()


async def wait_until(condition: Callable[[], object], within_s: float = 15) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)
