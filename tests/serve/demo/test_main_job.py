"""A question and its spoken answer through every door, with real engines."""

import base64
import time

import httpx
import numpy as np
import pytest
from websockets.sync.client import connect

from tests.bots.bot_api_json import private_chat, user, voice
from tests.serve.audio_checks import decode_audio, words
from tests.serve.secretary_process import API_KEY, SecretaryProcess, wait_until
from tests.serve.telegram_thread import TelegramServerThread

pytestmark = pytest.mark.model

ENGLISH_FAQ, RUSSIAN_FAQ = "Who are you?", "Какой сегодня день недели?"


def spoken(demo: SecretaryProcess, question: str, **extra: object):
    return demo.openai.chat.completions.create(
        model="secretary",
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "wav"},
        messages=[{"role": "user", "content": question}],
        **extra,
    )


def test_spoken_answer_is_understood_by_whisper(demo: SecretaryProcess) -> None:
    answer = spoken(demo, ENGLISH_FAQ)
    audio = answer.choices[0].message.audio
    assert audio is not None
    data = base64.b64decode(audio.data)
    assert decode_audio(data).seconds > 1
    transcript = demo.openai.audio.transcriptions.create(model="whisper-1", file=("answer.wav", data)).text
    said, understood = set(words(audio.transcript)), set(words(transcript))
    assert len(said & understood) >= 0.7 * len(said), (audio.transcript, transcript)
    assert answer.model_extra["secretary"]["answered_by"].startswith("faq")


def test_model_answer_is_spoken(demo: SecretaryProcess) -> None:
    answer = spoken(demo, "Tell me something about the blue whale.", max_tokens=20, seed=1)
    assert answer.model_extra["secretary"]["answered_by"] == "local"
    audio = answer.choices[0].message.audio
    assert audio is not None
    assert words(audio.transcript)
    assert decode_audio(base64.b64decode(audio.data)).level > 0.01
    assert answer.usage.completion_tokens > 0


def test_russian_question_has_russian_speech(demo: SecretaryProcess) -> None:
    answer = spoken(demo, RUSSIAN_FAQ)
    audio = answer.choices[0].message.audio
    assert audio is not None
    days = ["понедельник", "вторник", "сред", "четверг", "пятниц", "суббот", "воскресень"]
    assert any(day in audio.transcript.casefold() for day in days)
    sound = decode_audio(base64.b64decode(audio.data))
    assert sound.seconds > 0.5
    assert sound.level > 0.01


def test_streamed_audio_starts_before_text_ends(demo: SecretaryProcess) -> None:
    stream = demo.openai.chat.completions.create(
        model="local",
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "pcm16"},
        messages=[{"role": "user", "content": "Count from one to forty in words, separated by commas."}],
        max_tokens=160,
        seed=1,
        stream=True,
        stream_options={"include_usage": True},
    )
    order: list[str] = []
    size = 0
    usage = None
    for chunk in stream:
        usage = chunk.usage or usage
        audio = chunk.choices[0].delta.audio if chunk.choices else None
        if audio and audio.transcript:
            order.append("text")
        if audio and audio.data:
            order.append("sound")
            size += len(base64.b64decode(audio.data))
    assert size > 24_000
    assert order.index("sound") < len(order) - 1 - order[::-1].index("text")
    assert usage.completion_tokens > 0


@pytest.mark.parametrize("form", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
def test_speech_in_every_format(demo: SecretaryProcess, form: str) -> None:
    reply = demo.openai.audio.speech.create(
        model="tts-1", voice="alloy", input="Good morning. How can I help you?", response_format=form
    )
    data = reply.content
    if form == "pcm":
        samples = np.frombuffer(data, "<i2")
        assert 1 < len(samples) / 24_000 < 6
        assert np.abs(samples).max() > 1000
    else:
        assert 1 < decode_audio(data).seconds < 6


def test_speech_first_chunk_before_last_sentence(demo: SecretaryProcess) -> None:
    text = " ".join(f"This is sentence number {n} of a rather long text that takes a while to speak." for n in range(8))
    with demo.http().stream(
        "POST", "/v1/audio/speech", json={"model": "tts-1", "voice": "alloy", "input": text, "response_format": "pcm"}
    ) as reply:
        arrivals = [time.monotonic() for piece in reply.iter_raw() if piece]
    assert len(arrivals) > 5
    first, last = arrivals[0], arrivals[-1]
    assert last - first > 0.2


def test_transcription_has_word_timestamps(demo: SecretaryProcess) -> None:
    speech = demo.openai.audio.speech.create(model="tts-1", voice="alloy", input="The meeting is on Friday morning.")
    result = demo.openai.audio.transcriptions.create(
        model="whisper-1",
        file=("note.mp3", speech.content),
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert "friday" in words(result.text)
    assert result.language == "english"
    starts = [word.start for word in result.words]
    assert starts == sorted(starts)
    assert result.segments


def test_models_voices_and_embeddings(demo: SecretaryProcess) -> None:
    ids = {model.id for model in demo.openai.models.list()}
    assert {"secretary", "local", "tts-1", "whisper-1"} <= ids
    listed = httpx.get(f"{demo.url}/v1/audio/voices").json()["voices"]
    assert {"en_US-joe-medium", "espeak-ru"} <= {v["id"] for v in listed}
    vectors = demo.openai.embeddings.create(model="local", input=["a cat", "a dog"]).data
    assert len(vectors) == 2
    assert len(vectors[0].embedding) > 64


def test_ready_lists_every_engine(demo: SecretaryProcess) -> None:
    assert httpx.get(f"{demo.url}/health").status_code == 200
    expected = {"ready": True, "status": "ready", "missing_languages": ["ru"]}
    wait_until(lambda: httpx.get(f"{demo.url}/ready").json() == expected, 20)
    engines = httpx.get(f"{demo.url}/ready", headers=demo.headers).json()["engines"]
    by_engine = {engine["engine"]: engine for engine in engines}
    assert set(by_engine) == {"llama_cpp", "piper", "espeak", "faster_whisper"}
    assert all(engine["ready"] for engine in engines)
    assert "smollm2" in by_engine["llama_cpp"]["model"].lower()


def test_metrics_add_up_over_processes(demo: SecretaryProcess) -> None:
    labels = {"stage": "total", "route": "faq"}
    before = demo.metric("secretary_stage_seconds_count", **labels)
    for _ in range(3):
        demo.openai.chat.completions.create(model="secretary", messages=[{"role": "user", "content": ENGLISH_FAQ}])
    assert demo.metric("secretary_stage_seconds_count", **labels) == before + 3
    assert demo.metric("secretary_live_streams") == 0


def test_phone_gets_frames_of_20_ms(demo: SecretaryProcess) -> None:
    address = f"{demo.url.replace('http', 'ws', 1)}/phone/tts"
    with connect(address, additional_headers={"Authorization": f"Bearer {API_KEY}"}) as line:
        line.send('{"type": "speak", "id": "1", "text": "Good morning, how can I help you?", "format": "alaw"}')
        frames, finished = 0, False
        while not finished:
            message = line.recv(timeout=30)
            if isinstance(message, bytes):
                assert len(message) == 160
                frames += 1
            else:
                assert '"error"' not in message, message
                finished = '"finished"' in message
    assert frames > 50


def test_telegram_answers_text_and_voice(demo: SecretaryProcess, telegram: TelegramServerThread) -> None:
    earlier = len(telegram.server.sent)
    telegram.push(chat=private_chat(5), sender=user(5), text="Спасибо!")
    (answer,) = telegram.wait_for_messages(earlier + 1, timeout_s=60)[earlier:]
    assert answer.text
    note = demo.openai.audio.speech.create(model="tts-1", voice="alloy", input=ENGLISH_FAQ, response_format="opus")
    telegram.server.files["note"] = note.content
    telegram.push(chat=private_chat(5), sender=user(5), **voice("note", len(note.content)))
    replies = telegram.wait_for_messages(earlier + 4, timeout_s=60)[earlier:]
    notes = [sent.voice for sent in replies if sent.voice]
    assert len(notes) == 1
    assert decode_audio(notes[0]).codec == "opus"
