"""A graph that cannot run says why and ends, instead of waiting for ever."""

import os
import subprocess
import sys
from pathlib import Path

from tests.serve.secretary_process import GRAPHS, ROOT, start_secretary

HIDDEN = {"CUDA_VISIBLE_DEVICES": ""}
"""Whatever this machine has, Ray sees no card."""


def test_what_cannot_be_deployed_is_named_with_its_reason(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.serve.failing_deployments", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | HIDDEN, capture_output=True, text=True, timeout=150)
    said = [line for line in done.stdout.splitlines() if line.startswith(("invalid_request ", "unavailable "))]
    assert said == [
        "invalid_request the graph books 1.4 GPUs and Ray finds 0 here: lower num_gpus of its deployments",
        "unavailable the application broken does not start: broken: OSError: the cellar is flooded",
        "unavailable the application greedy does not start: it is still deploying",
    ], done.stderr


def test_a_start_that_needs_a_card_which_is_not_there_ends_everything_again(tmp_path: Path) -> None:
    graph = tmp_path / "graph.yaml"
    graph.write_text(
        (GRAPHS / "scripted.yaml").read_text().replace("engine: echo", "engine: echo\n        num_gpus: 0.5")
    )
    starting = start_secretary(tmp_path / "data", graph, "--no-pull", **HIDDEN)
    assert starting.process.wait(120) == 1
    assert starting.processes() == []
    said = starting.log.read_text()
    assert "the graph books 0.5 GPUs and Ray finds 0 here: lower num_gpus of its deployments" in said
    assert "everything has ended" in said
    assert "Traceback" not in said
