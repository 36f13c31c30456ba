"""Native libraries in a running secretary: texts that overflow espeak-ng, and worker processes killed."""

import signal

import psutil
import pytest

from tests.serve.engine_failures import transcribe
from tests.serve.secretary_process import SecretaryProcess, wait_until

_OVERFLOWING = (".A" * 400, ".А" * 400)


def workers(secretary: SecretaryProcess, deployment: str) -> list[psutil.Process]:
    children = secretary.replica_process(deployment).children()
    return [
        child for child in children if "deployments.isolation.child" in child.cmdline() and child.cmdline()[-1] != "vad"
    ]


def speech_workers(secretary: SecretaryProcess) -> list[psutil.Process]:
    return workers(secretary, "voice")


def hears_speech(secretary: SecretaryProcess, voice: str, text: str) -> bool:
    """Whether the first piece of sound arrives; the rest is left."""
    body = {"model": "tts-1", "voice": voice, "input": text, "response_format": "pcm"}
    with secretary.http() as http, http.stream("POST", "/v1/audio/speech", json=body) as reply:
        return reply.is_success and bool(next(reply.iter_raw()))


@pytest.mark.parametrize("voice", ["espeak-ru", "en_US-joe-medium"])
def test_overflowing_text_is_spoken_and_ends_no_process(demo: SecretaryProcess, voice: str) -> None:
    before = demo.replica_process("voice").pid, {worker.pid for worker in speech_workers(demo)}
    assert all(hears_speech(demo, voice, text) for text in _OVERFLOWING)
    assert hears_speech(demo, voice, "One more caller.")
    assert before == (demo.replica_process("voice").pid, {worker.pid for worker in speech_workers(demo)})


def test_killed_speech_workers_are_replaced(demo: SecretaryProcess) -> None:
    replica, killed = demo.replica_process("voice").pid, speech_workers(demo)
    assert len(killed) == 4
    for worker in killed:
        worker.send_signal(signal.SIGSEGV)
    for voice in ("espeak-ru", "en_US-joe-medium"):
        wait_until(lambda voice=voice: hears_speech(demo, voice, f"{voice} says a new sentence."), timeout_s=10)
    wait_until(lambda: len(speech_workers(demo)) == 4, timeout_s=10)
    assert not {worker.pid for worker in killed} & {worker.pid for worker in speech_workers(demo)}
    assert demo.replica_process("voice").pid == replica


def test_killed_workers_of_recognition_are_replaced(demo: SecretaryProcess) -> None:
    replica, killed = demo.replica_process("recognition").pid, workers(demo, "recognition")
    assert len(killed) == 4, "three decoders and Whisper"
    for worker in killed:
        worker.send_signal(signal.SIGSEGV)
    wait_until(lambda: transcribe(demo).is_success, timeout_s=20)
    wait_until(lambda: len(workers(demo, "recognition")) == 4, timeout_s=10)
    assert not {worker.pid for worker in killed} & {worker.pid for worker in workers(demo, "recognition")}
    assert demo.replica_process("recognition").pid == replica
