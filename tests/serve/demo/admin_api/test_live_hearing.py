"""Live sessions in a running secretary: Piper's speech over a telephone codec, Whisper's words."""

import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from deployments.audio.convert import AudioConverter
from deployments.contracts.audio import ALAW_8K, PCM16_24K
from tests.serve.admin_client import AdminClient
from tests.serve.audio_checks import words
from tests.serve.secretary_process import SecretaryProcess

SENTENCES = "Good morning. I would like an appointment on Monday.", "Thank you, goodbye."


def spoken(demo: SecretaryProcess, text: str) -> bytes:
    body = {"model": "tts-1", "voice": "en_US-joe-medium", "input": text, "response_format": "pcm"}
    with demo.http() as http:
        converter = AudioConverter(PCM16_24K, ALAW_8K)
        return converter.feed(http.post("/v1/audio/speech", json=body).content) + converter.finish()


def hear(url: str, headers: dict[str, str], sound: bytes) -> tuple[list[dict[str, Any]], int]:
    """The messages of a session in which ``sound`` comes in frames of 20 ms, and the close code."""
    messages: list[dict[str, Any]] = []
    with connect(url, additional_headers=headers, proxy=None, max_queue=None) as socket:
        socket.send(json.dumps({"type": "start", "format": "alaw", "sample_rate": 8000, "language": "en"}))
        for start in range(0, len(sound), 160):
            socket.send(sound[start : start + 160])
        socket.send(json.dumps({"type": "end"}))
        try:
            while True:
                messages.append(json.loads(socket.recv(60)))
        except ConnectionClosed as closed:
            return messages, closed.rcvd.code if closed.rcvd else 1006


@pytest.mark.parametrize("door", ["phone", "admin"])
def test_live_session_hears_two_utterances(demo: SecretaryProcess, admin: AdminClient, door: str) -> None:
    pause = ALAW_8K.silence(1)
    sound = pause + b"".join(spoken(demo, sentence) + pause for sentence in SENTENCES)
    path = "/phone/stt" if door == "phone" else "/admin/stt/ws/stream"
    headers = demo.headers if door == "phone" else {"Authorization": str(admin.http.headers["authorization"])}
    messages, code = hear(demo.url.replace("http", "ws", 1) + path, headers, sound)
    assert (messages[0]["type"], messages[0]["engine"]) == ("started", "faster_whisper"), messages
    assert "hears each utterance when it has ended" in messages[0]["reason"]
    heard = " ".join(message["text"] for message in messages if message["type"] == "final")
    assert {"good", "morning", "appointment", "monday", "thank", "you"} <= set(words(heard))
    kinds = [message["type"] for message in messages]
    assert kinds.count("speech_started") == kinds.count("speech_ended") == kinds.count("final") >= 2
    times = [message["time"] for message in messages if "time" in message]
    assert times == sorted(times)
    assert 0.7 < times[0] < times[-1] < ALAW_8K.seconds(len(sound))
    assert (messages[-1]["type"], code) == ("finished", 1000)
    assert messages[-1]["seconds"] == pytest.approx(ALAW_8K.seconds(len(sound)), abs=0.1)
