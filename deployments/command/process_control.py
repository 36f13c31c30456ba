"""Finds and ends every process of one start, by the mark in its environment: no orphan survives its secretary."""

import time
from collections.abc import Callable, Iterable

import psutil

from deployments.administration.monitoring.process_facts import process_run_id

_POLL_S = 0.05
_KILLED_WITHIN_S = 5.0


def find_processes(run_id: str) -> list[psutil.Process]:
    """Processes that carry ``run_id``, this one excluded."""
    return [p for p in psutil.process_iter() if p.pid != psutil.Process().pid and process_run_id(p) == run_id]


def terminate_processes(processes: Iterable[psutil.Process], timeout_s: float) -> int:
    """SIGTERM, then SIGKILL to what is left after ``patience_s``; returns how many had to be killed."""
    alive = list(processes)
    for process in alive:
        _quietly(process.terminate)
    stubborn = _left_of(alive, timeout_s)
    for process in stubborn:
        _quietly(process.kill)
    _left_of(stubborn, _KILLED_WITHIN_S)
    return len(stubborn)


def terminate_process(pid: int, timeout_s: float) -> None:
    """SIGTERM to one process and as long as ``patience_s`` to obey."""
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return
    _quietly(process.terminate)
    _left_of([process], timeout_s)


def is_alive(process: psutil.Process) -> bool:
    """False also for one that has ended and that its parent has not asked about yet, as in a container without an
    init: it does nothing and holds nothing any more."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _left_of(processes: Iterable[psutil.Process], patience_s: float) -> list[psutil.Process]:
    """Those that still live after ``patience_s``; returns as soon as there is none."""
    deadline = time.monotonic() + patience_s
    while (left := [process for process in processes if is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return left


def _quietly(signal: Callable[[], None]) -> None:
    try:
        signal()
    except psutil.NoSuchProcess:
        return
