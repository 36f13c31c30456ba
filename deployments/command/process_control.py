"""Finds and ends the processes of one start, by the run id in their environment."""

import time
from collections.abc import Callable, Iterable

import psutil

from deployments.administration.monitoring.process_facts import process_run_id

_POLL_S = 0.05
_KILL_TIMEOUT_S = 5.0


def find_processes(run_id: str) -> list[psutil.Process]:
    """Processes with ``run_id`` in their environment, without the calling process."""
    return [p for p in psutil.process_iter() if p.pid != psutil.Process().pid and process_run_id(p) == run_id]


def terminate_processes(processes: Iterable[psutil.Process], timeout_s: float) -> int:
    """Sends SIGTERM, and SIGKILL to the processes that live after ``timeout_s``. Returns how many were killed."""
    targets = list(processes)
    for process in targets:
        _ignore_missing(process.terminate)
    remaining = _wait_until_ended(targets, timeout_s)
    for process in remaining:
        _ignore_missing(process.kill)
    _wait_until_ended(remaining, _KILL_TIMEOUT_S)
    return len(remaining)


def terminate_process(pid: int, timeout_s: float) -> None:
    """Sends SIGTERM to one process and waits at most ``timeout_s`` for its end."""
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return
    _ignore_missing(process.terminate)
    _wait_until_ended([process], timeout_s)


def is_alive(process: psutil.Process) -> bool:
    """False for a zombie too: in a container without an init nobody reaps it."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _wait_until_ended(processes: Iterable[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Returns the processes that live after ``timeout_s``, or an empty list as soon as all have ended."""
    deadline = time.monotonic() + timeout_s
    while (alive := [process for process in processes if is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return alive


def _ignore_missing(send_signal: Callable[[], None]) -> None:
    try:
        send_signal()
    except psutil.NoSuchProcess:
        return
