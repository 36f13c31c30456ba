"""Sessions in worker processes."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from deployments.isolation.errors import CallRefused, WorkerQueueFull
from deployments.isolation.session_workers import SessionWorkers
from deployments.isolation.spec import WorkerSpec
from tests.waiting import wait_until

SPEC = WorkerSpec("counter", "tests.unit.isolation.targets:open_counters")


@pytest.fixture
async def workers() -> AsyncIterator[SessionWorkers]:
    started = SessionWorkers(SPEC, 2, max_sessions=2)
    await asyncio.gather(*(started.start() for _ in range(3)))
    assert len(started.pids) == 2
    yield started
    await started.stop()


async def test_session_stays_in_its_process(workers: SessionWorkers) -> None:
    sessions = [await workers.open({"from": start}, 10) for start in (0, 10, 20, 30)]
    for turn in (1, 2):
        for start, session in zip((0, 10, 20, 30), sessions, strict=True):
            header, body = await session.call({"do": "add"}, b"x")
            assert (header["total"], body) == (start + turn, b"x" * turn)
    with pytest.raises(WorkerQueueFull):
        await workers.open({"from": 0}, 10)
    for session in sessions:
        await session.close()
        await session.close()
    assert workers.sessions == 0
    with pytest.raises(CallRefused, match="unknown_session"):
        await sessions[0].call({"do": "add"})


async def test_killed_process_loses_its_sessions_only(workers: SessionWorkers) -> None:
    sessions = [await workers.open({"from": 0}, 10) for _ in range(2)]
    process, _ = await sessions[0].call({"do": "add"})
    os.kill(int(str(process["pid"])), signal.SIGKILL)
    await wait_until(lambda: len(workers.pids) == 2 and process["pid"] not in workers.pids, timeout_s=10)
    with pytest.raises(CallRefused, match="unknown_session"):
        await sessions[0].call({"do": "add"})
    assert (await sessions[1].call({"do": "add"}))[0]["total"] == 1
    for session in sessions:
        await session.close()
    assert workers.sessions == 0
