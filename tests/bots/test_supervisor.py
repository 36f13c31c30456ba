"""The supervisor with a process host in memory."""

import asyncio

import pytest

from bots.bot_status import BotState, BotStatus
from bots.process_host import ProcessDied, Superseded
from tests.bots.memory_host import MemoryHost, SnapshotQueue, running_supervisor, wait_until


async def test_supervisor_follows_added_changed_removed_rows() -> None:
    host, snapshots = MemoryHost(), SnapshotQueue()
    async with running_supervisor(host, snapshots) as supervisor:
        snapshots.publish(("a", 1), ("b", 1))
        await wait_until(lambda: host.running == [("a", 1), ("b", 1)])
        snapshots.publish(("a", 2), ("b", 1))
        await wait_until(lambda: host.running == [("a", 2), ("b", 1)])
        snapshots.publish(("b", 1))
        await wait_until(lambda: host.running == [("b", 1)])
        await wait_until(lambda: [status.id for status in supervisor.statuses()] == ["b"])
    assert [(p.spec.id, p.spec.version) for p in host.started] == [("a", 1), ("b", 1), ("a", 2)]


async def test_supervisor_keeps_bots_without_snapshots() -> None:
    host, snapshots = MemoryHost(), SnapshotQueue()
    async with running_supervisor(host, snapshots) as supervisor:
        await asyncio.sleep(0.05)
        assert supervisor.statuses() == ()
        snapshots.publish(("a", 1))
        await wait_until(lambda: host.running == [("a", 1)])
        snapshots.queue.put_nowait(ConnectionError("the office is down"))
        await asyncio.sleep(0.1)
        assert host.running == [("a", 1)]


async def test_supervisor_restarts_dead_process_with_backoff() -> None:
    host, snapshots = MemoryHost(), SnapshotQueue()
    async with running_supervisor(host, snapshots) as supervisor:
        snapshots.publish(("a", 1))
        for number in range(1, 4):
            await wait_until(lambda number=number: len(host.started) == number and host.alive)
            host.alive[0].end.set_exception(ProcessDied("killed"))
            await wait_until(lambda: supervisor.statuses()[0].state is BotState.RESTARTING)
            assert supervisor.statuses()[0].error == "killed"
        started = asyncio.get_running_loop().time()
        await wait_until(lambda: len(host.started) == 4)
        assert asyncio.get_running_loop().time() - started > 0.1
        await wait_until(lambda: supervisor.statuses()[0].state is BotState.RUNNING)
        assert supervisor.statuses()[0].restarts == 3


async def test_supervisor_retries_rejected_token_after_change() -> None:
    host, snapshots = MemoryHost(), SnapshotQueue()
    async with running_supervisor(host, snapshots) as supervisor:
        snapshots.publish(("a", 1))
        await wait_until(lambda: host.alive)
        host.alive[0].end.set_result(BotStatus("a", 1, BotState.REJECTED, error="bad token", pid=7))
        await asyncio.sleep(0.1)
        assert len(host.started) == 1
        assert host.started[0].stopped
        assert supervisor.statuses() == (BotStatus("a", 1, BotState.REJECTED, error="bad token"),), "no process, no pid"
        snapshots.publish(("a", 2))
        await wait_until(lambda: host.running == [("a", 2)])


async def test_supervisor_replaces_unresponsive_process() -> None:
    host, snapshots = MemoryHost(), SnapshotQueue()
    async with running_supervisor(host, snapshots):
        snapshots.publish(("a", 1))
        await wait_until(lambda: host.alive)
        host.started[0].unresponsive = True
        await wait_until(lambda: len(host.started) == 2)
        assert host.started[0].stopped


@pytest.mark.parametrize("error", [ProcessDied("no room"), Superseded("newer"), RuntimeError("odd")])
async def test_supervisor_retries_failed_start(error: Exception) -> None:
    host, snapshots = MemoryHost(), SnapshotQueue()
    host.errors = [error]
    async with running_supervisor(host, snapshots) as supervisor:
        snapshots.publish(("a", 1))
        await wait_until(lambda: supervisor.statuses() and supervisor.statuses()[0].state is BotState.RESTARTING)
        assert supervisor.statuses()[0].pid == 0
        await wait_until(lambda: host.running == [("a", 1)])


async def test_supervisor_reports_status_of_process() -> None:
    host, snapshots = MemoryHost(), SnapshotQueue()
    async with running_supervisor(host, snapshots) as supervisor:
        snapshots.publish(("a", 1))
        await wait_until(lambda: host.alive)
        host.alive[0].updates = 7
        await wait_until(lambda: supervisor.statuses()[0].updates == 7)


async def test_supervisor_ends_with_last_of_rapid_changes() -> None:
    host, snapshots = MemoryHost(), SnapshotQueue()
    async with running_supervisor(host, snapshots):
        for version in range(1, 30):
            snapshots.publish(("a", version))
            snapshots.publish()
            await asyncio.sleep(0.003)
        snapshots.publish(("a", 99))
        await wait_until(lambda: host.running == [("a", 99)])
        await asyncio.sleep(0.1)
        assert host.running == [("a", 99)]
