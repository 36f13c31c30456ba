"""A process of a benchmark with its child processes, found by a mark in their environment."""

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

ROOT = Path(__file__).parents[1]
_MARK = "SECRETARY_BENCHMARK"
_STOP_TIMEOUT_S = 60.0


class ProcessTree:
    """Runs ``command`` in the root of the checkout inside a ``with`` block.

    The process gets ``stop_signal`` at the end; processes that live after a minute are killed.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
        *,
        stop_signal: signal.Signals = signal.SIGTERM,
        pipes: bool = False,
    ) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._mark = secrets.token_hex(8)
        self._environment = {**os.environ, **(environment or {}), _MARK: self._mark}
        self._farewell = stop_signal
        self._pipes = pipes
        self.started = 0.0

    def __enter__(self) -> Self:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        channel = subprocess.PIPE if self._pipes else None
        with self.log.open("wb") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=channel or subprocess.DEVNULL,
                stdout=channel or log,
                stderr=log,
                bufsize=0,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(self._farewell)
            try:
                self.process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        terminate_all(self.processes())

    def processes(self) -> list[psutil.Process]:
        """Living processes with the mark, and their children, which may have overwritten it."""
        marked = [process for process in psutil.process_iter() if _mark_of(process) == self._mark]
        return list(dict.fromkeys([*marked, *(child for process in marked for child in _children(process))]))

    def cpu_seconds(self) -> float:
        """User and system time of the living processes so far."""
        return sum(_cpu_seconds(process) for process in self.processes())

    def pin(self, cores: Iterable[int]) -> None:
        """Restricts every thread to ``cores``; later threads inherit it."""
        for process in self.processes():
            pin_process(process.pid, cores)

    def log_text(self) -> str:
        return self.log.read_text(errors="replace")


def pin_process(pid: int, cores: Iterable[int]) -> None:
    """Restricts every thread of one process."""
    wanted = set(cores)
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            os.sched_setaffinity(int(task.name), wanted)
        except ProcessLookupError:
            continue


def terminate_all(processes: Sequence[psutil.Process]) -> None:
    """Sends SIGTERM, and SIGKILL after five seconds."""
    for process in processes:
        _signal(process, signal.SIGTERM)
    _, stubborn = psutil.wait_procs(processes, timeout=5)
    for process in stubborn:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=5)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(_MARK)
    except (psutil.Error, OSError):
        return None


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)
