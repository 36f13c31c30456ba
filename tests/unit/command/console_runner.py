"""Runs the console in the test process."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deployments.command.pid_file import PidFile, write_pid_file

RUN_ID = "run-of-a-test"


@dataclass(frozen=True)
class CommandResult:
    status: int
    output: str
    errors: str


RunSecretary = Callable[..., CommandResult]
"""``run_secretary("check", VARIABLE="value")`` runs ``secretary check`` in an empty folder."""


def add_pid_file(folder: Path, pid: int, port: int = 1) -> Path:
    """Writes a PID file without a start time below ``folder`` and returns its folder."""
    run_dir = folder / "data" / "run"
    run_dir.mkdir(parents=True)
    write_pid_file(run_dir, PidFile(pid=pid, run_id=RUN_ID, host="127.0.0.1", port=port))
    return run_dir
