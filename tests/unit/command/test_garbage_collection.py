"""The garbage collector of the processes of ``secretary up``."""

import os
import subprocess
import sys
from pathlib import Path

from deployments.command.ray_environment import python_path

PROGRAM = "import gc, os; print(gc.get_threshold()[0], os.environ.get('CUSTOMIZED', ''))"


def test_sitecustomize_sets_threshold_and_runs_hidden_one(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os\nos.environ['CUSTOMIZED'] = 'yes'\n")
    environment = {**os.environ, "PYTHONPATH": python_path(str(tmp_path))}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "20000 yes\n"
