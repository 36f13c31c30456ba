"""litellm in a process of its own: it connects to nothing, prints nothing and reads no .env file."""

import json
import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[3]


def test_litellm_only_formats_requests(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FROM_DOT_ENV=read\n")
    finished = subprocess.run(
        [sys.executable, "-m", "tests.unit.cloud.library_process"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(_ROOT), "OPENAI_API_KEY": "", "LITELLM_LOCAL_MODEL_COST_MAP": "False"},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout) == {
        "others": [],
        "imported_early": False,
        "callbacks": [0, 0, 0],
        "drop_params": False,
        "from_dot_env": None,
        "threads": [],
    }
    assert finished.stderr == ""
