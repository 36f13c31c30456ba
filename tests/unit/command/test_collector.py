"""Every process of a start looks for garbage less often, whatever else wants to run when Python begins."""

import os
import subprocess
import sys
from pathlib import Path

from deployments.command.ray_environment import python_path

PROGRAM = "import gc, os; print(gc.get_threshold()[0], os.environ.get('HEARD', ''))"


def said(before: str | None) -> str:
    environment = {**os.environ, "PYTHONPATH": python_path(before)}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_a_process_of_a_start_collects_less_often() -> None:
    assert said(None) == "20000 \n"


def test_what_the_machine_wants_to_run_in_every_process_still_runs(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os\nos.environ['HEARD'] = 'yes'\n")
    assert said(str(tmp_path)) == "20000 yes\n"


def test_what_was_on_the_path_stays_behind_ours(tmp_path: Path) -> None:
    assert python_path(str(tmp_path)).split(os.pathsep)[-1] == str(tmp_path)
