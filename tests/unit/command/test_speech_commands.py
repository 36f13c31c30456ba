"""``secretary say`` and ``secretary hear`` against a running gateway with a scripted assistant."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.running_gateway import KEY, RunningGateway
from tests.unit.command.console_runner import RunSecretary, add_pid_file


@pytest.fixture(scope="module")
def gateway() -> Iterator[RunningGateway]:
    running = RunningGateway()
    running.start()
    yield running
    running.stop()


def test_say_and_hear_use_the_running_secretary(
    run_secretary: RunSecretary, gateway: RunningGateway, tmp_path: Path
) -> None:
    sound = tmp_path / "f.wav"
    assert "secretary up" in run_secretary("hear", __file__, SECRETARY_API_KEY=KEY).output
    add_pid_file(tmp_path, os.getpid(), gateway.port)
    assert "SECRETARY_API_KEY" in run_secretary("hear", __file__).output
    assert run_secretary("say", "One. Two.", "-o", str(sound), SECRETARY_API_KEY=KEY).status == 0
    assert sound.read_bytes().startswith(b"RIFF")
    heard = run_secretary("hear", str(sound), "--language", "en", SECRETARY_API_KEY=KEY)
    assert (heard.status, gateway.assistant.recognition_requests[-1].language) == (0, "en")
    assert heard.output.strip()
    refused = run_secretary("say", "x", "-o", str(sound), "--voice", "nobody", SECRETARY_API_KEY=KEY)
    assert refused.status == 1
    assert "nobody" in refused.output
    assert "--output" in run_secretary("say", "x", "-o", "f.txt", SECRETARY_API_KEY=KEY).output
