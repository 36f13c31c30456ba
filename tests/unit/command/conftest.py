import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest

from deployments.command.ray_environment import RUN_ID_VARIABLE

StartProcess = Callable[..., psutil.Process]

QUIET = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + QUIET
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {QUIET!r}]); {QUIET}"


@pytest.fixture
def start() -> Iterator[StartProcess]:
    """``start(program, run_id)``: a real child process with this mark in its environment, up and running."""
    children: list[subprocess.Popen[bytes]] = []

    def begin(program: str = QUIET, run_id: str = "") -> psutil.Process:
        environment = {k: v for k, v in os.environ.items() if k != RUN_ID_VARIABLE} | (
            {RUN_ID_VARIABLE: run_id} if run_id else {}
        )
        child = subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE)
        children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        return psutil.Process(child.pid)

    yield begin
    for child in children:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()
