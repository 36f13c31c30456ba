"""A graph that cannot run: the start ends with the reason instead of waiting."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.serve.secretary_process import NO_GPU, ROOT, SCRIPTED_GRAPH, SecretaryProcess, start_secretary


def test_failed_deployments_are_named_with_reason(secretary: SecretaryProcess) -> None:
    (raylet,) = (each for each in secretary.processes() if each.name() == "raylet")
    (address,) = (word.partition("=")[2] for word in raylet.cmdline() if word.startswith("--gcs-address="))
    command = [sys.executable, "-m", "tests.serve.failing_deployments", address]
    done = subprocess.run(command, cwd=ROOT, env=raylet.environ(), capture_output=True, text=True, timeout=150)
    errors = [line for line in done.stdout.splitlines() if line.startswith(("invalid_request ", "unavailable "))]
    assert len(errors) == 3, done.stderr
    resources, broken, unschedulable = errors
    assert "1.4 GPUs" in resources
    assert "broken: OSError: the disk is full" in broken
    assert "unschedulable" in unschedulable


@pytest.mark.long
def test_start_without_needed_gpu_ends_all_processes(tmp_path: Path) -> None:
    graph = tmp_path / "graph.yaml"
    graph.write_text(SCRIPTED_GRAPH.read_text().replace("engine: echo", "engine: echo\n        num_gpus: 0.5"))
    starting = start_secretary(tmp_path / "data", graph, "--no-pull", **NO_GPU)
    assert starting.process.wait(120) == 1
    assert starting.processes() == []
    output = starting.log.read_text()
    assert "0.5 GPUs" in output
    assert "everything has ended" in output
    assert "Traceback" not in output
