"""Requests whose engine process is killed halfway: the error that the client gets, or how speech goes on."""

import itertools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionChunk
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from deployments.contracts.audio import PCM16_22K
from deployments.engines.speech.tone import SECONDS_PER_CHARACTER
from tests.serve.audio_checks import tone_wav
from tests.serve.secretary_process import SecretaryProcess, wait_until

LONG_TEXT = " ".join(f"here comes word number {n} of many," for n in range(100))
_numbers = itertools.count()

Kill = Callable[[], object]


def uncached_text() -> str:
    """One long sentence that is not in the phrase cache."""
    return f"this is sentence number {next(_numbers)} of " + "these many words without any pause " * 7


def slow_speech_request(text: str) -> dict[str, object]:
    """A speech request that takes the scripted voice many seconds."""
    return {"model": "tts-1", "voice": "alloy", "input": text, "response_format": "pcm", "speed": 0.25}


@dataclass(frozen=True)
class EngineFailureCase:
    """``interrupt`` kills the engine halfway through a request and checks the error; ``answers`` sends a request."""

    deployment: str
    interrupt: Callable[[SecretaryProcess, Kill], None]
    answers: Callable[[SecretaryProcess], bool]


def interrupt_chat(secretary: SecretaryProcess, kill: Kill) -> None:
    stream = secretary.openai.chat.completions.create(
        model="local", messages=[{"role": "user", "content": LONG_TEXT}], stream=True, max_tokens=600
    )
    next(stream)
    kill()
    with pytest.raises(openai.APIError) as caught:
        for _ in stream:
            pass
    assert caught.value.code == "engine_failed"


def chat_answers(secretary: SecretaryProcess) -> bool:
    try:
        reply = secretary.openai.chat.completions.create(
            model="local", messages=[{"role": "user", "content": "purple zebra crossing"}]
        )
    except openai.InternalServerError:
        return False
    return (reply.choices[0].message.content or "").strip() == "purple zebra crossing"


def interrupt_spoken_answer(secretary: SecretaryProcess, kill: Kill) -> None:
    stream = secretary.openai.chat.completions.create(
        model="local",
        messages=[{"role": "user", "content": uncached_text() + LONG_TEXT}],
        stream=True,
        max_tokens=600,
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "pcm16"},
    )
    next(chunk for chunk in stream if _has_sound(chunk))
    kill()
    assert sum(_has_sound(chunk) for chunk in stream) > 20, "the new replica says the rest"


def _has_sound(chunk: ChatCompletionChunk) -> bool:
    audio = getattr(chunk.choices[0].delta, "audio", None) if chunk.choices else None
    return bool(audio and getattr(audio, "data", None))


def interrupt_speech(secretary: SecretaryProcess, kill: Kill) -> None:
    """The new replica says the rest of the sentence, from at most 80 characters before the break."""
    text = uncached_text()
    with secretary.http().stream("POST", "/v1/audio/speech", json=slow_speech_request(text)) as reply:
        assert reply.status_code == httpx.codes.OK
        pieces = reply.iter_raw()
        size = len(next(pieces))
        kill()
        size += sum(map(len, pieces))
    characters = PCM16_22K.seconds(size) * 0.25 / SECONDS_PER_CHARACTER
    assert len(text.strip()) - 1 <= characters <= len(text) + 81


def interrupt_speech_events(secretary: SecretaryProcess, kill: Kill) -> None:
    body = slow_speech_request(uncached_text()) | {"stream_format": "sse"}
    with secretary.http().stream("POST", "/v1/audio/speech", json=body) as reply:
        lines = (line for line in reply.iter_lines() if line.startswith("data:"))
        next(lines)
        kill()
        *_, last = lines
    assert "speech.audio.done" in last


def speech_answers(secretary: SecretaryProcess) -> bool:
    body = slow_speech_request(f"a new sentence, {next(_numbers)}") | {"speed": 4}
    with secretary.http() as http:
        reply = http.post("/v1/audio/speech", json=body)
    return reply.is_success and len(reply.content) > 1000


def interrupt_recognition(secretary: SecretaryProcess, kill: Kill) -> None:
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(transcribe, secretary)
        wait_until(lambda: secretary.live_streams("stt") == 1, timeout_s=10)
        kill()
        reply = request.result(60)
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "engine_failed")
    assert int(reply.headers["retry-after"]) > 0


def interrupt_live_session(secretary: SecretaryProcess, kill: Kill) -> None:
    url = f"{secretary.url.replace('http', 'ws', 1)}/phone/stt"
    with connect(url, additional_headers=secretary.headers, proxy=None) as socket:
        socket.send('{"type": "start"}')
        assert json.loads(socket.recv(20))["type"] == "started"
        socket.send(bytes(32_000))
        kill()
        error = json.loads(socket.recv(20))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(20)
    assert (error["type"], error["code"], error["retryable"]) == ("error", "engine_failed", True)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013


def recognition_answers(secretary: SecretaryProcess) -> bool:
    reply = transcribe(secretary)
    return reply.is_success and reply.json()["text"] == "привет"


def transcribe(secretary: SecretaryProcess) -> httpx.Response:
    with secretary.http() as http:
        return http.post(
            "/v1/audio/transcriptions", files={"file": ("a.wav", tone_wav(1))}, data={"model": "whisper-1"}
        )


CASES = {
    "chat": EngineFailureCase("chat", interrupt_chat, chat_answers),
    "spoken answer": EngineFailureCase("voice", interrupt_spoken_answer, speech_answers),
    "speech": EngineFailureCase("voice", interrupt_speech, speech_answers),
    "speech events": EngineFailureCase("voice", interrupt_speech_events, speech_answers),
    "recognition": EngineFailureCase("recognition", interrupt_recognition, recognition_answers),
    "live session": EngineFailureCase("recognition", interrupt_live_session, recognition_answers),
}
