"""Opens this process's metrics in the directory that all processes of one start share."""

import os
from pathlib import Path

import psutil
from prometheus_client import values

from deployments.api.metrics import Metrics, forget_process

_MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
_CLOCK_SLACK_S = 2.0
"""A file's time and a process's start are told by different clocks."""


def open_metrics(directory: Path) -> Metrics:
    """Metrics in multiprocess mode. Live gauges of processes that died without a goodbye are taken out of the sums."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ[_MULTIPROCESS] = str(directory)
    _share_values()
    for file in directory.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not _written_by(pid, file):
            forget_process(pid)
    return Metrics()


def _share_values() -> None:
    """The library chooses where numbers live when it is imported, and Serve imports it before anything of ours runs.

    A class of values that is shared already stays: two of them would write over each other's files.
    """
    if not values.ValueClass._multiprocess:
        values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]


def _written_by(pid: int, file: Path) -> bool:
    """Whether the process that has this number now wrote the file; numbers of processes are given out again."""
    try:
        return psutil.Process(pid).create_time() <= file.stat().st_mtime + _CLOCK_SLACK_S
    except (psutil.Error, OSError):
        return False
