"""Processes of the secretary and their resources, read with psutil. Every function blocks: call it in a thread."""

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

RUN_ID_VARIABLE = "SECRETARY_RUN_ID"
"""Environment variable that marks every process of one start."""

_REPLICA = re.compile(r"ray::(?:ServeReplica:[\w-]+:)?([\w.-]{1,60})")


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """``role`` is the deployment or the program name, never the command line, which may contain a secret."""

    pid: int
    role: str
    memory_mb: float
    cpu_percent: float
    threads: int
    uptime_seconds: float


def process_memory_mb(pid: int) -> float | None:
    """Returns the resident memory of a process in MiB, or None if it is gone or not accessible."""
    try:
        return round(psutil.Process(pid).memory_info().rss / 2**20, 1)
    except (psutil.Error, OSError):
        return None


def own_processes() -> Iterator[psutil.Process]:
    """Yields the processes of this start, or this process and its descendants if the variable is not set."""
    run_id = os.environ.get(RUN_ID_VARIABLE)
    if not run_id:
        mine = psutil.Process()
        yield from (mine, *mine.children(recursive=True))
        return
    yield from (process for process in psutil.process_iter() if process_run_id(process) == run_id)


def process_role(process: psutil.Process) -> str:
    """Returns the deployment that the process hosts, else its program name."""
    try:
        found = _REPLICA.match(" ".join(process.cmdline()[:1]))
        return found[1] if found else process.name()
    except (psutil.Error, OSError):
        return "unknown"


def process_role_by_pid(pid: int) -> str:
    """Returns the role of a process id, or "unknown" if it is gone or in another container."""
    try:
        return process_role(psutil.Process(pid))
    except psutil.Error:
        return "unknown"


def process_facts(process: psutil.Process) -> ProcessFacts | None:
    """Returns the resources of a process, or None if it has ended. CPU is the average since its start."""
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
    """Returns the run id of a process, or None if it has none or is not accessible."""
    try:
        return process.environ().get(RUN_ID_VARIABLE)
    except (psutil.Error, OSError):
        return None
