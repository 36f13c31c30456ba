"""A secretary that is told to end leaves no process behind, whoever tells it and however far it has come."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serve.secretary_process import (
    GRAPHS,
    ROOT,
    running_secretary,
    secretary_environment,
    start_secretary,
    wait_until,
)

GRAPH = GRAPHS / "scripted.yaml"


def down(data: Path) -> str:
    """What `secretary down` says from another terminal."""
    command = [sys.executable, "-m", "deployments.command", "down"]
    done = subprocess.run(
        command, cwd=ROOT, env=secretary_environment(data, 8002), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_down_ends_a_running_secretary_and_everything_it_started(tmp_path: Path) -> None:
    said: list[str] = []
    with running_secretary(tmp_path, GRAPH, "--no-pull") as running:
        assert len(running.processes()) > 5
        running.stop(lambda: said.append(down(tmp_path)))
    assert said[0].startswith("Ended (")
    assert "killed" not in said[0]
    assert down(tmp_path).startswith("No secretary runs")


@pytest.mark.parametrize("moment", ["before ray", "ray", "serve        listening", "graph        office"])
def test_sigterm_during_the_start_ends_what_has_been_started(tmp_path: Path, moment: str) -> None:
    starting = start_secretary(tmp_path, GRAPH, "--no-pull")
    if moment == "ray":
        wait_until(lambda: starting.has_process("gcs_server"), timeout_s=120)
    else:
        starting.wait_for_output("ray          starting" if moment == "before ray" else moment)
    starting.stop(lambda: starting.process.send_signal(signal.SIGTERM))
    assert "The secretary answers" not in starting.log.read_text()
