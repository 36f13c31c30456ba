"""The supervisor over a host that exists only in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bots.bot_status import BotState, BotStatus
from bots.process_host import ProcessDied, Superseded
from bots.supervisor import BotSupervisor, SupervisorTimings
from deployments.contracts.instances import BotSpec
from deployments.contracts.settings import Snapshot

QUICK = SupervisorTimings(
    reconcile_interval_s=0.02, first_retry_s=0.05, max_retry_s=0.2, unresponsive_timeout_s=0.1, superseded_retry_s=0.1
)


class MemoryProcess:
    def __init__(self, spec: BotSpec) -> None:
        self.spec = spec
        self.end: asyncio.Future[BotStatus] = asyncio.get_running_loop().create_future()
        self.stopped = False
        self.silent = False
        self.updates = 0

    async def wait(self) -> BotStatus:
        return await asyncio.shield(self.end)

    async def status(self) -> BotStatus:
        if self.silent or self.end.done():
            raise ProcessDied("no answer")
        return BotStatus(self.spec.id, self.spec.version, BotState.RUNNING, updates=self.updates, pid=7)

    async def stop(self) -> None:
        await asyncio.sleep(0.01)
        self.stopped = True
        if not self.end.done():
            self.end.set_result(BotStatus(self.spec.id, self.spec.version, BotState.STOPPED))


class MemoryHost:
    """Refuses to run one bot twice, which is the rule the supervisor must keep."""

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
    """Publishes snapshots to whoever iterates."""

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
async def watch(host: MemoryHost, office: SnapshotQueue) -> AsyncIterator[BotSupervisor]:
    supervisor = BotSupervisor(host, QUICK)
    task = asyncio.create_task(supervisor.run(office.snapshots()))
    try:
        yield supervisor
    finally:
        task.cancel()
        await asyncio.wait({task})
        assert host.alive == []
        assert task.cancelled()


async def until(condition: object, within_s: float = 15) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.005)


async def test_rows_come_change_and_go() -> None:
    host, office = MemoryHost(), SnapshotQueue()
    async with watch(host, office) as supervisor:
        office.publish(("a", 1), ("b", 1))
        await until(lambda: host.running == [("a", 1), ("b", 1)])
        office.publish(("a", 2), ("b", 1))
        await until(lambda: host.running == [("a", 2), ("b", 1)])
        office.publish(("b", 1))
        await until(lambda: host.running == [("b", 1)])
        await until(lambda: [status.id for status in supervisor.statuses()] == ["b"])
    assert [(p.spec.id, p.spec.version) for p in host.started] == [("a", 1), ("b", 1), ("a", 2)]


async def test_nothing_is_stopped_before_the_first_snapshot_or_after_the_stream_broke() -> None:
    host, office = MemoryHost(), SnapshotQueue()
    async with watch(host, office) as supervisor:
        await asyncio.sleep(0.05)
        assert supervisor.statuses() == ()
        office.publish(("a", 1))
        await until(lambda: host.running == [("a", 1)])
        office.queue.put_nowait(ConnectionError("the office is down"))
        await asyncio.sleep(0.1)
        assert host.running == [("a", 1)]


async def test_a_dead_process_is_started_again_with_growing_pauses() -> None:
    host, office = MemoryHost(), SnapshotQueue()
    async with watch(host, office) as supervisor:
        office.publish(("a", 1))
        for number in range(1, 4):
            await until(lambda number=number: len(host.started) == number and host.alive)
            host.alive[0].end.set_exception(ProcessDied("killed"))
            await until(lambda: supervisor.statuses()[0].state is BotState.RESTARTING)
            assert supervisor.statuses()[0].error == "killed"
        started = asyncio.get_running_loop().time()
        await until(lambda: len(host.started) == 4)
        assert asyncio.get_running_loop().time() - started > 0.1
        await until(lambda: supervisor.statuses()[0].state is BotState.RUNNING)
        assert supervisor.statuses()[0].restarts == 3


async def test_a_rejected_token_is_not_tried_again_until_the_row_changes() -> None:
    host, office = MemoryHost(), SnapshotQueue()
    async with watch(host, office) as supervisor:
        office.publish(("a", 1))
        await until(lambda: host.alive)
        host.alive[0].end.set_result(BotStatus("a", 1, BotState.REJECTED, error="bad token", pid=7))
        await asyncio.sleep(0.3)
        assert len(host.started) == 1
        assert host.started[0].stopped
        assert supervisor.statuses() == (BotStatus("a", 1, BotState.REJECTED, error="bad token"),), "no process, no pid"
        office.publish(("a", 2))
        await until(lambda: host.running == [("a", 2)])


async def test_a_process_that_does_not_answer_is_replaced() -> None:
    host, office = MemoryHost(), SnapshotQueue()
    async with watch(host, office):
        office.publish(("a", 1))
        await until(lambda: host.alive)
        host.started[0].silent = True
        await until(lambda: len(host.started) == 2)
        assert host.started[0].stopped


@pytest.mark.parametrize("error", [ProcessDied("no room"), Superseded("newer"), RuntimeError("odd")])
async def test_a_start_that_fails_is_tried_again(error: Exception) -> None:
    host, office = MemoryHost(), SnapshotQueue()
    host.errors = [error]
    async with watch(host, office) as supervisor:
        office.publish(("a", 1))
        await until(lambda: supervisor.statuses() and supervisor.statuses()[0].state is BotState.RESTARTING)
        assert supervisor.statuses()[0].pid == 0
        await until(lambda: host.running == [("a", 1)])


async def test_statuses_are_the_processes_own() -> None:
    host, office = MemoryHost(), SnapshotQueue()
    async with watch(host, office) as supervisor:
        office.publish(("a", 1))
        await until(lambda: host.alive)
        host.alive[0].updates = 7
        await until(lambda: supervisor.statuses()[0].updates == 7)


async def test_a_row_that_flickers_ends_as_declared_last() -> None:
    host, office = MemoryHost(), SnapshotQueue()
    async with watch(host, office):
        for version in range(1, 30):
            office.publish(("a", version))
            office.publish()
            await asyncio.sleep(0.003)
        office.publish(("a", 99))
        await until(lambda: host.running == [("a", 99)])
        await asyncio.sleep(0.1)
        assert host.running == [("a", 99)]
