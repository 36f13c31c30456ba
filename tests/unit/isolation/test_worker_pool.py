"""Pools of worker processes: spare workers, bounded queues, and workers that are replaced."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator

import pytest

from deployments.contracts.streams import Closing
from deployments.engines.conformance import collect, machine_load_factor
from deployments.isolation.errors import (
    CallRefused,
    WorkerDied,
    WorkerNotStarted,
    WorkerQueueFull,
)
from deployments.isolation.spec import WorkerSpec
from deployments.isolation.worker_pool import WorkerPool
from tests.waiting import wait_until

SPEC = WorkerSpec("test pool", "tests.unit.isolation.targets:open_actions", cancel_grace_s=0.2)


async def started(pool: WorkerPool, processes: int) -> WorkerPool:
    await pool.start()
    await wait_until(lambda: len(pool.pids) == processes, timeout_s=20)
    return pool


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    pool = await started(WorkerPool(SPEC, size=1, spares=1, max_queued=2), 2)
    yield pool
    await pool.stop()


async def echo(pool: WorkerPool, deadline_s: float = 20) -> int:
    """The pid of the worker that answers."""
    [(header, _)] = await collect(pool.call({"do": "echo"}, deadline_s=deadline_s))
    return int(str(header["pid"]))


async def test_spare_worker_takes_over_at_once(pool: WorkerPool) -> None:
    for name in (signal.SIGSEGV, signal.SIGABRT):
        await wait_until(lambda: len(pool.pids) == 2, timeout_s=20)
        before = set(pool.pids)
        with pytest.raises(WorkerDied, match=name.name):
            await collect(pool.call({"do": "signal", "signal": int(name)}, deadline_s=20))
        started_at = time.monotonic()
        assert await echo(pool) in before
        assert time.monotonic() - started_at < 0.2 * machine_load_factor()


async def test_worker_killed_while_idle_is_replaced(pool: WorkerPool) -> None:
    killed = pool.pids
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    await wait_until(lambda: len(pool.pids) == 2 and not set(killed) & set(pool.pids), timeout_s=20)
    assert await echo(pool) not in killed


async def test_queue_is_bounded_in_length_and_time(pool: WorkerPool) -> None:
    async with Closing(pool.call({"do": "send"}, deadline_s=20)) as items:
        await anext(items)
        waiting = [asyncio.create_task(echo(pool, deadline_s)) for deadline_s in (0.05, 20)]
        await wait_until(lambda: pool.live_calls == 3)
        with pytest.raises(WorkerQueueFull):
            await echo(pool)
        with pytest.raises(WorkerQueueFull):
            await waiting[0]
    assert await waiting[1]
    await wait_until(lambda: not pool.live_calls)


async def test_cancelled_calls_leave_the_pool_whole(pool: WorkerPool) -> None:
    for do in ("hang", "send", "hang"):
        call = asyncio.create_task(collect(pool.call({"do": do}, deadline_s=20)))
        await wait_until(lambda: pool.live_calls == 1)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert await echo(pool)


async def test_worker_is_replaced_after_max_calls() -> None:
    pool = await started(WorkerPool(SPEC, size=1, spares=0, max_calls=2), 1)
    pids = [await echo(pool) for _ in range(4)]
    await pool.stop()
    assert pids[0] == pids[1] != pids[2] == pids[3]


async def test_stop_ends_running_and_waiting_calls(pool: WorkerPool) -> None:
    running = pool.call({"do": "hang"}, deadline_s=20)
    await anext(running)
    waiting = asyncio.create_task(echo(pool))
    await wait_until(lambda: pool.live_calls == 2)
    await pool.stop()
    with pytest.raises(WorkerDied):
        await anext(running)
    with pytest.raises(WorkerNotStarted):
        await waiting
    with pytest.raises(WorkerNotStarted):
        await echo(pool)
    await pool.start()
    assert await echo(pool)


async def test_pool_of_a_missing_library_does_not_start() -> None:
    pool = WorkerPool(WorkerSpec("test pool", SPEC.target, {"refuse": True}))
    with pytest.raises(CallRefused, match="no_library"):
        await pool.start()
    await pool.stop()
