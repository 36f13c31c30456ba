"""Finds and ends every process of one start, by the mark in its environment: no orphan survives its secretary."""

from collections.abc import Callable, Iterable

import psutil

from deployments.administration.processes import run_of


def processes_of(run_id: str) -> list[psutil.Process]:
    """Processes that carry ``run_id``, this one excluded."""
    return [p for p in psutil.process_iter() if p.pid != psutil.Process().pid and run_of(p) == run_id]


def end(processes: Iterable[psutil.Process], patience_s: float) -> int:
    """SIGTERM, then SIGKILL to what is left after ``patience_s``; returns how many had to be killed."""
    alive = list(processes)
    for process in alive:
        _quietly(process.terminate)
    _, stubborn = psutil.wait_procs(alive, timeout=patience_s)
    for process in stubborn:
        _quietly(process.kill)
    psutil.wait_procs(stubborn, timeout=5)
    return len(stubborn)


def _quietly(signal: Callable[[], None]) -> None:
    try:
        signal()
    except psutil.NoSuchProcess:
        return


def ask_to_end(pid: int, patience_s: float) -> None:
    """SIGTERM to one process and as long as ``patience_s`` to obey."""
    try:
        process = psutil.Process(pid)
        process.terminate()
        process.wait(patience_s)
    except (psutil.NoSuchProcess, psutil.TimeoutExpired):
        return
