import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deployments.command.main import main
from deployments.command.ray_environment import RUN_ID_VARIABLE
from tests.unit.command.child_processes import SLEEP, StartProcess
from tests.unit.command.console_runner import CommandResult, RunSecretary


@pytest.fixture
def start_process() -> Iterator[StartProcess]:
    children: list[subprocess.Popen[bytes]] = []

    def start(program: str = SLEEP, run_id: str = "") -> psutil.Process:
        environment = {name: value for name, value in os.environ.items() if name != RUN_ID_VARIABLE}
        if run_id:
            environment[RUN_ID_VARIABLE] = run_id
        child = subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE)
        children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        return psutil.Process(child.pid)

    yield start
    for child in children:
        child.kill()
        child.communicate()


@pytest.fixture
def run_secretary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunSecretary:
    for name in list(os.environ):
        if name.startswith("SECRETARY_") or name in ("DATABASE_URL", "REDIS_URL"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **variables: str) -> CommandResult:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["secretary", *arguments])
            with pytest.raises(SystemExit) as ended:
                main()
        captured = capsys.readouterr()
        return CommandResult(int(ended.value.code or 0), captured.out, captured.err)

    return run
