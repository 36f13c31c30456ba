"""Chat completions with audio, whole and streamed."""

import base64
import io
import json
import time
import wave

import av
import httpx
import openai
import pytest

from deployments.contracts.audio import PCM16_22K, PCM16_24K, AudioFormat, SpeechChunk
from deployments.contracts.errors import EngineFailed
from deployments.contracts.events import SpeechReady, TextDelta, TurnFinished, TurnStarted
from tests.api.recordings import recording_part, wav_bytes
from tests.api.running_gateway import AUDIO_KEY, KEY, RunningGateway, api_key, snapshot
from tests.fakes.assistant import ScriptPause, tone

ASK = [{"role": "user", "content": "Hi"}]
TEXT = "Добрый день. How are you?"


def spoken(format: str, voice: object = "alloy", **fields: object) -> dict[str, object]:
    audio = {"voice": voice, "format": format}
    return {"model": "secretary", "messages": ASK, "modalities": ["text", "audio"], "audio": audio, **fields}


def seconds(data: bytes, format: str | None = None) -> float:
    with av.open(io.BytesIO(data), format=format) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


@pytest.mark.parametrize("format", ["wav", "mp3", "opus", "aac", "flac"])
def test_spoken_answer_has_file_and_transcript(client: openai.OpenAI, format: str) -> None:
    message = client.chat.completions.create(**spoken(format)).choices[0].message
    assert message.content is None
    assert message.audio is not None
    assert message.audio.transcript == TEXT
    assert message.audio.id.startswith("audio_")
    assert message.audio.expires_at <= time.time()
    assert seconds(base64.b64decode(message.audio.data)) == pytest.approx(0.3, abs=0.12)


def test_spoken_answer_pcm16_is_24_khz(client: openai.OpenAI) -> None:
    audio = client.chat.completions.create(**spoken("pcm16")).choices[0].message.audio
    assert audio is not None
    assert PCM16_24K.seconds(len(base64.b64decode(audio.data))) == pytest.approx(0.3, abs=0.01)


def test_spoken_answer_wav_has_its_length(client: openai.OpenAI) -> None:
    audio = client.chat.completions.create(**spoken("wav")).choices[0].message.audio
    assert audio is not None
    with wave.open(io.BytesIO(base64.b64decode(audio.data))) as file:
        assert file.getnframes() / file.getframerate() == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize(("format", "container"), [("pcm16", None), ("mp3", "mp3"), ("opus", "ogg"), ("wav", "wav")])
def test_spoken_stream_joins_to_audio_and_transcript(client: openai.OpenAI, format: str, container: str | None) -> None:
    with client.chat.completions.create(**spoken(format, stream=True)) as stream:
        deltas = [chunk.choices[0].delta for chunk in stream]
    audio = [d.audio for d in deltas if d.audio]
    assert audio[0].id.startswith("audio_")
    assert all(d.content is None for d in deltas)
    assert "".join(a.transcript or "" for a in audio) == TEXT
    assert audio[-1].expires_at is not None
    pieces = [a.data for a in audio if a.data]
    data = b"".join(base64.b64decode(piece) for piece in pieces)
    assert data == base64.b64decode("".join(pieces))
    length = PCM16_24K.seconds(len(data)) if container is None else seconds(data, container)
    assert length == pytest.approx(0.3, abs=0.12)


def test_spoken_stream_audio_before_last_text(client: openai.OpenAI, door: RunningGateway) -> None:
    block = SpeechReady(SpeechChunk(tone(0.2), PCM16_22K, "One."), "en-joe")
    door.assistant.script = [
        TurnStarted("t"),
        TextDelta("One."),
        block,
        ScriptPause(0.4),
        TextDelta(" Two."),
        TurnFinished(),
    ]
    began, sound_at, text_at = time.monotonic(), 0.0, 0.0
    with client.chat.completions.create(**spoken("pcm16", stream=True)) as stream:
        for chunk in stream:
            audio = chunk.choices[0].delta.audio
            if audio and audio.data and not sound_at:
                sound_at = time.monotonic() - began
            if audio and audio.transcript == " Two.":
                text_at = time.monotonic() - began
    assert 0 < sound_at < 0.3 < text_at


def test_spoken_answer_resamples_other_voice(client: openai.OpenAI, door: RunningGateway) -> None:
    low = AudioFormat(16_000)
    door.assistant.script = [
        TurnStarted("t"),
        TextDelta("x"),
        SpeechReady(SpeechChunk(tone(0.5), PCM16_22K), "en-joe"),
        SpeechReady(SpeechChunk(tone(0.5, low), low), "ru-anna"),
        SpeechReady(SpeechChunk(tone(0.5), PCM16_22K), "en-joe"),
        TurnFinished(),
    ]
    audio = client.chat.completions.create(**spoken("wav")).choices[0].message.audio
    assert audio is not None
    assert seconds(base64.b64decode(audio.data)) == pytest.approx(1.5, abs=0.02)


@pytest.mark.parametrize("format", ["pcm16", "wav", "mp3", "flac", "opus", "aac"])
def test_spoken_answer_without_audio_is_empty_file(client: openai.OpenAI, door: RunningGateway, format: str) -> None:
    door.assistant.script = [TurnStarted("t"), TextDelta("x"), TurnFinished()]
    audio = client.chat.completions.create(**spoken(format)).choices[0].message.audio
    assert audio is not None
    assert audio.transcript == "x"


@pytest.mark.parametrize(
    ("voice", "chosen"),
    [("alloy", None), ("cedar", None), ("ru-anna", "ru-anna"), ("Joe", "en-joe"), ({"id": "en-joe"}, "en-joe")],
)
def test_spoken_answer_voice_selection(
    http: httpx.Client, door: RunningGateway, voice: object, chosen: str | None
) -> None:
    assert http.post("/v1/chat/completions", json=spoken("pcm16", voice)).status_code == 200
    assert door.assistant.turns[0].voice_id == chosen
    assert door.assistant.turns[0].speak


def test_spoken_answer_unknown_voice_lists_voices(http: httpx.Client) -> None:
    response = http.post("/v1/chat/completions", json=spoken("pcm16", "hal"))
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (404, "voice_not_found", "voice")
    assert "ru-anna" in error["message"]


def test_spoken_stream_failure_is_error_event(client: openai.OpenAI, door: RunningGateway) -> None:
    door.assistant.script = [TurnStarted("t"), TextDelta("One."), EngineFailed("the voice died")]
    with (
        pytest.raises(openai.APIError, match="the voice died"),
        client.chat.completions.create(**spoken("mp3", stream=True)) as stream,
    ):
        list(stream)


def test_spoken_answer_needs_audio_scope(http: httpx.Client, door: RunningGateway) -> None:
    current = snapshot()
    keys = (*current.api_keys, api_key(9, "sk-chat", scopes=("chat",)))
    door.snapshots.current = current.model_copy(update={"api_keys": keys})
    headers = {"authorization": "Bearer sk-chat"}
    assert http.post("/v1/chat/completions", json=spoken("pcm16"), headers=headers).status_code == 403
    plain = {"model": "secretary", "messages": ASK}
    assert http.post("/v1/chat/completions", json=plain, headers=headers).status_code == 200
    headers = {"authorization": f"Bearer {AUDIO_KEY}"}
    assert http.post("/v1/chat/completions", json=plain, headers=headers).status_code == 403


def test_recording_in_message_is_transcribed(http: httpx.Client, door: RunningGateway) -> None:
    content = [{"type": "text", "text": "Listen:"}, recording_part(wav_bytes())]
    body = {"model": "secretary", "messages": [{"role": "user", "content": content}]}
    assert http.post("/v1/chat/completions", json=body).status_code == 200
    assert door.assistant.turns[0].question == "Listen:\nДобрый день. Чем помочь?"


@pytest.mark.parametrize("part", [recording_part(b"not sound"), {"type": "input_audio", "input_audio": {}}])
def test_invalid_recording_is_rejected(http: httpx.Client, part: dict[str, object]) -> None:
    body = {"model": "secretary", "messages": [{"role": "user", "content": [part]}]}
    assert http.post("/v1/chat/completions", json=body).status_code == 400


def test_invalid_base64_is_rejected(http: httpx.Client) -> None:
    part = {"type": "input_audio", "input_audio": {"data": "@@@", "format": "mp3"}}
    body = {"model": "secretary", "messages": [{"role": "user", "content": [part]}]}
    response = http.post("/v1/chat/completions", json=body)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "messages[0].content")


def test_spoken_stream_events_are_json(http: httpx.Client) -> None:
    response = http.post(
        "/v1/chat/completions", json=spoken("mp3", stream=True), headers={"authorization": f"Bearer {KEY}"}
    )
    events = response.text.removesuffix("\n\n").split("\n\n")
    assert events[-1] == "data: [DONE]"
    assert all(json.loads(event.removeprefix("data: ")) for event in events[:-1])
