"""Processes of the secretary and what they use, by psutil. Everything here blocks for a moment: call it in a thread."""

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

RUN_ID_VARIABLE = "SECRETARY_RUN_ID"
"""Mark in the environment of every process of one start."""

_REPLICA = re.compile(r"ray::(?:ServeReplica:[\w-]+:)?([\w.-]{1,60})")


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """``role`` is the deployment or the program's name, never the command line, which may hold a secret."""

    pid: int
    role: str
    memory_mb: float
    cpu_percent: float
    threads: int
    uptime_seconds: float


def process_memory_mb(pid: int) -> float | None:
    """Resident memory of a process in MiB; None when it is gone or not ours to see."""
    try:
        return round(psutil.Process(pid).memory_info().rss / 2**20, 1)
    except (psutil.Error, OSError):
        return None


def own_processes() -> Iterator[psutil.Process]:
    """This process and every other one of the same start, or its descendants where no start left a mark."""
    run_id = os.environ.get(RUN_ID_VARIABLE)
    if not run_id:
        mine = psutil.Process()
        yield from (mine, *mine.children(recursive=True))
        return
    yield from (process for process in psutil.process_iter() if process_run_id(process) == run_id)


def process_role(process: psutil.Process) -> str:
    """What the process is to the secretary: the deployment it hosts, else its program's name."""
    try:
        found = _REPLICA.match(" ".join(process.cmdline()[:1]))
        return found[1] if found else process.name()
    except (psutil.Error, OSError):
        return "unknown"


def process_role_by_pid(pid: int) -> str:
    """The same for a process id, "unknown" when it is in another container or gone."""
    try:
        return process_role(psutil.Process(pid))
    except psutil.Error:
        return "unknown"


def process_facts(process: psutil.Process) -> ProcessFacts | None:
    """What one process uses; None when it has just ended. CPU is the average since it began."""
    try:
        with process.oneshot():
            uptime = max(time.time() - process.create_time(), 0.001)
            times = process.cpu_times()
            return ProcessFacts(
                pid=process.pid,
                role=process_role(process),
                memory_mb=round(process.memory_info().rss / 2**20, 1),
                cpu_percent=round(100 * (times.user + times.system) / uptime, 1),
                threads=process.num_threads(),
                uptime_seconds=round(uptime, 1),
            )
    except (psutil.Error, OSError):
        return None


def process_run_id(process: psutil.Process) -> str | None:
    """The mark of the start that the process belongs to; None when it has none or is not ours to read."""
    try:
        return process.environ().get(RUN_ID_VARIABLE)
    except (psutil.Error, OSError):
        return None
