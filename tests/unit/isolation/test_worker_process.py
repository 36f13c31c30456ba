"""Worker processes that are killed, run out of memory or time, or are left in the middle of a call."""

import logging
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from deployments.contracts.streams import Closing
from deployments.engines.conformance import collect
from deployments.isolation.child_output import crash_report
from deployments.isolation.errors import (
    CallRefused,
    WorkerDeadlinePassed,
    WorkerDied,
    WorkerLimitReached,
    WorkerNotStarted,
)
from deployments.isolation.frames import InvalidFrame, decode_header, frame_sizes
from deployments.isolation.spec import WorkerLimits, WorkerSpec
from deployments.isolation.worker_process import Frame, WorkerProcess
from tests.waiting import wait_until

TARGET = "tests.unit.isolation.targets:open_actions"
ROOT = Path(__file__).parents[3]


@pytest.fixture
async def worker() -> AsyncIterator[WorkerProcess]:
    limits = WorkerLimits(memory_mb=256, cpu_s=1)
    worker = WorkerProcess(WorkerSpec("test worker", TARGET, limits=limits, cancel_grace_s=0.2))
    await worker.start()
    yield worker
    await worker.stop()


async def run(
    worker: WorkerProcess, do: str, body: bytes = b"", deadline_s: float = 20, **header: object
) -> list[Frame]:
    return await collect(worker.call({"do": do, **header}, body, deadline_s=deadline_s))


async def test_call_returns_header_and_body(worker: WorkerProcess) -> None:
    body = bytes(range(256)) * 20_000
    for text in ("Привет \ud800 \0", "two"):
        [(header, data)] = await run(worker, "echo", body, text=text)
        assert header == {"pid": worker.pid, "header": {"do": "echo", "text": text}}
        assert data == body


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGKILL"])
async def test_died_worker_names_its_signal(worker: WorkerProcess, name: str) -> None:
    with pytest.raises(WorkerDied, match=name):
        await run(worker, "signal", signal=int(signal.Signals[name]))
    assert not worker.alive


async def test_exited_worker_names_its_code(worker: WorkerProcess) -> None:
    with pytest.raises(WorkerDied, match="exit code 3"):
        await run(worker, "exit")


@pytest.mark.parametrize(("do", "reason"), [("allocate", "memory"), ("spin", "CPU time")])
async def test_limit_ends_the_worker(worker: WorkerProcess, do: str, reason: str) -> None:
    with pytest.raises(WorkerLimitReached, match=reason):
        await run(worker, do, deadline_s=60)
    assert not worker.alive


async def test_deadline_kills_the_worker(worker: WorkerProcess) -> None:
    with pytest.raises(WorkerDeadlinePassed):
        await run(worker, "hang", deadline_s=0.1)
    await worker.wait()


async def test_invalid_frames_end_the_worker(worker: WorkerProcess) -> None:
    with pytest.raises(WorkerDied, match="invalid frame"):
        await run(worker, "garbage")


async def test_refused_call_leaves_the_worker(worker: WorkerProcess) -> None:
    with pytest.raises(CallRefused) as caught:
        await run(worker, "refuse")
    assert (caught.value.code, caught.value.message) == ("unsupported", "no such format")
    with pytest.raises(CallRefused) as raised:
        await run(worker, "raise", b"a secret")
    assert str(raised.value) == "ValueError"
    assert await run(worker, "echo")


async def test_closed_call_ends_and_leaves_the_worker(worker: WorkerProcess) -> None:
    for _ in range(3):
        async with Closing(worker.call({"do": "send"}, deadline_s=20)) as items:
            await anext(items)
    assert await run(worker, "echo")


async def test_closed_call_that_hangs_is_killed(worker: WorkerProcess) -> None:
    async with Closing(worker.call({"do": "hang"}, deadline_s=20)) as items:
        await anext(items)
    await worker.settle()
    await wait_until(lambda: not worker.alive)


async def test_worker_has_no_secrets_and_writes_no_files(
    worker: WorkerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CallRefused, match="OSError"):
        await run(worker, "write", b"x", path=str(tmp_path / "file"))
    [(header, _)] = await run(worker, "environment")
    assert header["names"] == ["LC_ALL", "MALLOC_ARENA_MAX", "PATH", "PYTHONPATH"]


@pytest.mark.parametrize(
    ("options", "error"),
    [({"refuse": True}, CallRefused), ({"die": True}, WorkerNotStarted)],
    ids=["refused", "dies"],
)
async def test_target_that_does_not_load_raises(options: dict[str, bool], error: type[Exception]) -> None:
    with pytest.raises(error):
        await WorkerProcess(WorkerSpec("test worker", TARGET, dict(options))).start()


async def test_output_is_logged_without_content(worker: WorkerProcess, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "deployments")
    await run(worker, "print", b"secret text\n*** stack smashing detected ***: terminated\n" + b"x" * 100_000)
    await worker.stop()
    assert "stack smashing detected" in caplog.text
    assert "secret" not in caplog.text
    assert len(caplog.text) < 1_000


def test_crash_report_refuses_other_lines() -> None:
    assert crash_report(b'  File "/a/b.py", line 3 in speak')
    assert not crash_report(b"cannot read 'my diary'")
    assert not crash_report(b"*** stack smashing detected ***: my diary")


def test_workers_end_with_a_killed_parent() -> None:
    command = [sys.executable, "-m", "tests.unit.isolation.parent"]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    assert parent.stdout is not None
    workers = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
    assert len(workers) == 2
    parent.kill()
    parent.wait()
    _, alive = psutil.wait_procs(workers, timeout=5)
    assert all(worker.status() == psutil.STATUS_ZOMBIE for worker in alive)


@pytest.mark.parametrize("data", [b"[]", b"{", b"[" * 100_000, b"\xff"])
def test_invalid_headers_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidFrame):
        decode_header(data)


def test_frames_above_the_bounds_are_refused() -> None:
    with pytest.raises(InvalidFrame):
        frame_sizes(b"\0\0\0\1\xff\xff\xff\xff")
