"""Opens the Prometheus metrics of this process in the directory that all processes of one start share."""

import os
from pathlib import Path

import psutil
from prometheus_client import values

from deployments.api.metrics import Metrics, forget_process

_MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
_CLOCK_SLACK_S = 2.0
"""File times and process start times come from different clocks."""


def open_metrics(directory: Path) -> Metrics:
    """Metrics in multiprocess mode. Removes the live gauges of processes that were killed."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ[_MULTIPROCESS] = str(directory)
    _share_values()
    for file in directory.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not _written_by(pid, file):
            forget_process(pid)
    return Metrics()


def _share_values() -> None:
    """Switches prometheus_client to multiprocess values.

    The library chooses its value class at import, and Serve imports it before this module runs. A multiprocess class
    that is already set stays: two of them would overwrite each other's files.
    """
    if not values.ValueClass._multiprocess:
        values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]


def _written_by(pid: int, file: Path) -> bool:
    """Whether the process with this pid wrote the file. The system reuses pids."""
    try:
        return psutil.Process(pid).create_time() <= file.stat().st_mtime + _CLOCK_SLACK_S
    except (psutil.Error, OSError):
        return False
