"""A start that SIGTERM interrupts leaves no process behind, however far it has come."""

import signal
from pathlib import Path

import pytest

from tests.serve.secretary_process import SCRIPTED_GRAPH, start_secretary, wait_until


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("before ray", marks=pytest.mark.long),
        "ray",
        pytest.param("serve        listening", marks=pytest.mark.long),
        pytest.param("graph        office", marks=pytest.mark.long),
    ],
)
def test_sigterm_during_start_ends_all_processes(tmp_path: Path, moment: str) -> None:
    starting = start_secretary(tmp_path, SCRIPTED_GRAPH, "--no-pull")
    if moment == "ray":
        wait_until(lambda: starting.has_process("gcs_server"), timeout_s=120)
    else:
        starting.wait_for_output("ray          starting" if moment == "before ray" else moment)
    starting.stop(lambda: starting.process.send_signal(signal.SIGTERM))
    assert "Ready in" not in starting.log.read_text()
