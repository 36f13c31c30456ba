"""Speech synthesis through the official OpenAI client."""

import base64
import io
import json
import time

import av
import httpx
import openai
import pytest

from deployments.contracts.audio import PCM16_22K, PCM16_24K, SpeechChunk
from deployments.contracts.errors import EngineFailed, LanguageNotSupported
from deployments.contracts.settings import SpeechSettings
from tests.api.running_gateway import RunningGateway, snapshot
from tests.fakes.assistant import ScriptPause, tone

SPEAK = {"model": "tts-1", "input": "One. Two. Three.", "voice": "alloy"}
TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}


@pytest.mark.parametrize("format", TYPES)
def test_speech_format_has_right_length(client: openai.OpenAI, format: str) -> None:
    response = client.audio.speech.create(**SPEAK, response_format=format)
    assert response.response.headers["content-type"] == TYPES[format]
    data = response.content
    if format == "pcm":
        length = PCM16_24K.seconds(len(data))
    else:
        with av.open(io.BytesIO(data)) as container:
            length = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    assert length == pytest.approx(0.9, abs=0.12)


def test_speech_default_format_is_mp3(http: httpx.Client) -> None:
    response = http.post("/v1/audio/speech", json=SPEAK)
    assert response.headers["content-type"] == "audio/mpeg"
    with av.open(io.BytesIO(response.content)) as container:
        assert container.format.name == "mp3"


@pytest.mark.parametrize("format", ["mp3", "pcm", "opus"])
def test_speech_first_chunk_before_last_block(client: openai.OpenAI, door: RunningGateway, format: str) -> None:
    block = SpeechChunk(tone(0.4), PCM16_22K)
    door.assistant.speech_script = [block, block, ScriptPause(0.4), block]
    began = time.monotonic()
    with client.audio.speech.with_streaming_response.create(**SPEAK, response_format=format) as response:
        stream = response.iter_bytes()
        next(stream)
        first = time.monotonic() - began
        for _ in stream:
            pass
    assert first < 0.35 < time.monotonic() - began


def test_speech_events_carry_audio_and_usage(http: httpx.Client) -> None:
    response = http.post("/v1/audio/speech", json={**SPEAK, "response_format": "pcm", "stream_format": "sse"})
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line.removeprefix("data: ")) for line in response.text.split("\n\n") if line]
    sound = b"".join(base64.b64decode(e["audio"]) for e in events[:-1])
    assert {e["type"] for e in events[:-1]} == {"speech.audio.delta"}
    assert PCM16_24K.seconds(len(sound)) == pytest.approx(0.9, abs=0.02)
    assert events[-1] == {
        "type": "speech.audio.done",
        "usage": {"input_tokens": 16, "output_tokens": 18, "total_tokens": 34},
    }


@pytest.mark.parametrize(
    ("fields", "voice", "speed"),
    [
        ({}, None, 1.0),
        ({"voice": "ru-anna", "speed": 0.25}, "ru-anna", 0.25),
        ({"voice": {"id": "en-joe"}, "speed": 4, "instructions": "Whisper."}, "en-joe", 4.0),
        ({"voice": "JOE", "model": "gpt-4o-mini-tts"}, "en-joe", 1.0),
        ({"model": "piper", "input": "Привет"}, "en-joe", 1.0),
        ({"model": "EN_us-joe-medium"}, "en-joe", 1.0),
        ({"model": None, "voice": None}, None, 1.0),
    ],
)
def test_speech_voice_and_speed_reach_the_assistant(
    http: httpx.Client, door: RunningGateway, fields: dict[str, object], voice: str | None, speed: float
) -> None:
    assert http.post("/v1/audio/speech", json={**SPEAK, **fields}).status_code == 200
    request = door.assistant.speech_requests[0]
    assert (request.voice_id, request.speed) == (voice, speed)


def test_speech_voice_that_is_loading_is_unavailable(http: httpx.Client) -> None:
    response = http.post("/v1/audio/speech", json={**SPEAK, "voice": "loading"})
    assert (response.status_code, response.json()["error"]["code"]) == (503, "unavailable")
    assert response.headers["retry-after"] == "2"


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"input": ""}, 400, "input"),
        ({"input": " \n"}, 400, "input"),
        ({"input": "x" * 4097}, 400, "input"),
        ({"input": None}, 400, "input"),
        ({"speed": 0.2}, 400, "speed"),
        ({"speed": 4.5}, 400, "speed"),
        ({"response_format": "midi"}, 400, "response_format"),
        ({"stream_format": "grpc"}, 400, "stream_format"),
        ({"voice": "hal"}, 404, "voice"),
        ({"voice": {"id": "hal"}}, 404, "voice"),
        ({"voice": 5}, 400, "voice.str"),
        ({"model": "dall-e"}, 404, "model"),
        ({"model": "whisper-1"}, 404, "model"),
    ],
)
def test_speech_invalid_request_names_its_field(
    http: httpx.Client, door: RunningGateway, fields: dict[str, object], status: int, param: str
) -> None:
    response = http.post("/v1/audio/speech", json={**SPEAK, **fields})
    assert (response.status_code, response.json()["error"]["param"]) == (status, param)
    assert door.assistant.speech_requests == []


def test_speech_max_input_chars(http: httpx.Client, door: RunningGateway) -> None:
    door.snapshots.current = snapshot(speech=SpeechSettings(max_input_chars=5))
    assert http.post("/v1/audio/speech", json={**SPEAK, "input": "123456"}).json()["error"]["code"] == "text_too_long"
    assert http.post("/v1/audio/speech", json={**SPEAK, "input": "12345"}).status_code == 200


@pytest.mark.parametrize(
    ("script", "status"), [([EngineFailed("died")], 503), ([], 503), ([LanguageNotSupported("no Korean")], 400)]
)
def test_speech_failure_before_first_block_is_http_error(
    http: httpx.Client, door: RunningGateway, script: list[Exception], status: int
) -> None:
    door.assistant.speech_script = script
    assert http.post("/v1/audio/speech", json=SPEAK).status_code == status


def test_speech_later_failure_cuts_the_connection(http: httpx.Client, door: RunningGateway) -> None:
    door.assistant.speech_script = [SpeechChunk(tone(0.3), PCM16_22K), ScriptPause(0.05), EngineFailed("died")]
    with pytest.raises(httpx.RemoteProtocolError):
        http.post("/v1/audio/speech", json={**SPEAK, "response_format": "wav"})


def test_speech_later_failure_is_error_event(http: httpx.Client, door: RunningGateway) -> None:
    door.assistant.speech_script = [SpeechChunk(tone(0.3), PCM16_22K), EngineFailed("the voice died")]
    response = http.post("/v1/audio/speech", json={**SPEAK, "response_format": "wav", "stream_format": "sse"})
    last = response.text.strip().split("\n\n")[-1]
    assert json.loads(last.removeprefix("data: "))["error"]["message"] == "the voice died"


def test_open_webui_lists_need_no_key(door: RunningGateway) -> None:
    voices = httpx.get(f"{door.url}/v1/audio/voices").json()["voices"]
    assert [(voice["id"], voice["name"]) for voice in voices] == [("ru-anna", "Anna"), ("en-joe", "Joe")]
    models = [model["id"] for model in httpx.get(f"{door.url}/v1/audio/models").json()["models"]]
    assert models == ["piper", "en_US-joe-medium", "tts-1", "tts-1-hd", "gpt-4o-mini-tts"]
