"""Metrics that the processes of one start share."""

import os
import subprocess
import sys
from pathlib import Path

# PROMETHEUS_MULTIPROC_DIR is not set, and another library creates metrics first.
COUNTING = """
import sys
from pathlib import Path
import prometheus_client
prometheus_client.Counter("of_other_library", "created first").inc()
from deployments.process_metrics import open_metrics
metrics = open_metrics(Path(sys.argv[1]))
metrics.on_tokens(5, 7, "local")
again = open_metrics(Path(sys.argv[1]))
again.on_tokens(5, 7, "local")
if len(sys.argv) > 2:
    metrics.on_stream_opened("llm")
print(again.exposition().decode())
"""
_LIVE = 'secretary_live_streams{kind="llm"}'
_WRITTEN = 'secretary_tokens_total{direction="completion",route="local"}'


def read_metrics(folder: Path, *arguments: str) -> str:
    """The metrics of all processes, read in a new process."""
    environment = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", COUNTING, str(folder), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def gauge_of(folder: Path) -> Path:
    (found,) = folder.glob("gauge_livesum_*.db")
    return found


def test_metrics_sum_processes_without_gauges_of_dead_ones(tmp_path: Path) -> None:
    first = read_metrics(tmp_path, "open a stream and die")
    assert f"{_LIVE} 1.0" in first
    assert f"{_WRITTEN} 14.0" in first
    second = read_metrics(tmp_path)
    assert _LIVE not in second
    assert f"{_WRITTEN} 28.0" in second


def test_metrics_keep_gauges_of_running_process_only(tmp_path: Path) -> None:
    """The pid of the test process stands for a running process, then for a reused pid."""
    read_metrics(tmp_path, "open a stream and die")
    gauge = gauge_of(tmp_path).rename(tmp_path / f"gauge_livesum_{os.getpid()}.db")
    assert f"{_LIVE} 1.0" in read_metrics(tmp_path)
    os.utime(gauge, (0, 0))
    assert _LIVE not in read_metrics(tmp_path)
