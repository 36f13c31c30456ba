"""Metrics that all processes of one start share, however a process came to be and whatever ran before it."""

import os
import subprocess
import sys
from pathlib import Path

# Without the variable, and with metrics of somebody else's made before ours.
COUNTING = """
import sys
from pathlib import Path
import prometheus_client
prometheus_client.Counter("of_somebody_else", "made before ours").inc()
from deployments.process_metrics import open_metrics
metrics = open_metrics(Path(sys.argv[1]))
metrics.tokens(5, 7, "local")
again = open_metrics(Path(sys.argv[1]))
again.tokens(5, 7, "local")
if len(sys.argv) > 2:
    metrics.stream_opened("llm")
print(again.exposition().decode())
"""
_LIVE = 'secretary_live_streams{kind="llm"}'
_WRITTEN = 'secretary_tokens_total{direction="completion",route="local"}'


def told(folder: Path, *arguments: str) -> str:
    """What a new process reads of all metrics, itself included."""
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


def test_processes_add_up_without_the_variable_in_their_environment(tmp_path: Path) -> None:
    assert f"{_WRITTEN} 14.0" in told(tmp_path)
    assert f"{_WRITTEN} 28.0" in told(tmp_path)


def test_live_streams_of_a_process_that_died_are_not_counted_and_its_tokens_are(tmp_path: Path) -> None:
    assert f"{_LIVE} 1.0" in told(tmp_path, "open a stream and die")
    text = told(tmp_path)
    assert _LIVE not in text
    assert f"{_WRITTEN} 28.0" in text


def test_live_streams_of_an_earlier_owner_of_a_process_number_are_not_counted(tmp_path: Path) -> None:
    """This test's own process stands for one that was given a dead process's number."""
    told(tmp_path, "open a stream and die")
    reused = gauge_of(tmp_path).rename(tmp_path / f"gauge_livesum_{os.getpid()}.db")
    os.utime(reused, (0, 0))
    assert _LIVE not in told(tmp_path)


def test_live_streams_of_a_process_that_runs_stay(tmp_path: Path) -> None:
    told(tmp_path, "open a stream and die")
    gauge_of(tmp_path).rename(tmp_path / f"gauge_livesum_{os.getpid()}.db")
    assert f"{_LIVE} 1.0" in told(tmp_path)
