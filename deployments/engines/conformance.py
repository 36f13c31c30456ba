"""Conformance checks for engines of each kind, built-in and third-party.

``CHAT_CHECKS``, ``SPEECH_CHECKS`` and ``RECOGNITION_CHECKS`` take a started engine and raise AssertionError.
``check_conformance`` starts an engine, runs the checks and stops it.
"""

import asyncio
import json
import os
import pickle
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from deployments.contracts.audio import PCM16_16K, AudioFormat, SpeechChunk
from deployments.contracts.chat import ChatMessage, ChatTurn, GenerationOptions, SourceKind, TurnSource
from deployments.contracts.engines import ChatEngine, Engine, Recognizer, SpeechEngine
from deployments.contracts.errors import (
    InvalidRequest,
    LanguageNotSupported,
    SecretaryError,
    Unavailable,
    UnsupportedAudio,
    VoiceNotFound,
)
from deployments.contracts.events import TextDelta, TurnFinished
from deployments.contracts.speech import RecognitionRequest, SpeechRequest, TranscriptFinished, TranscriptSegment
from deployments.engines.tool_conformance import TOOL_CHECKS

T = TypeVar("T")
E = TypeVar("E", bound=Engine)

STOP_TIMEOUT_S = 1.0
SENTENCE = "Hello, this is the secretary speaking. How can I help you today?"


async def check_conformance(engine: E, checks: Sequence[Callable[[E], Awaitable[None]]]) -> None:
    """Starts ``engine``, runs ``checks`` and ``check_restart``, stops it. Raises AssertionError."""
    await engine.start()
    try:
        for check in checks:
            await check(engine)
        await check_restart(engine)
    finally:
        await engine.stop()


async def check_restart(engine: Engine) -> None:
    """A started engine can be stopped and started again. ``start`` and ``stop`` are idempotent."""
    await engine.start()
    assert engine.status().ready, f"not ready after start: {engine.status().error}"
    await engine.stop()
    await engine.stop()
    assert not engine.status().ready, "still ready after stop"
    await engine.start()
    await engine.start()
    assert engine.status().ready, f"not ready after a restart: {engine.status().error}"


def make_turn(question: str, **options: Any) -> ChatTurn:
    """A turn that asks ``question``; ``options`` as in GenerationOptions."""
    messages = (ChatMessage("user", question),)
    return ChatTurn("conformance", TurnSource(SourceKind.API), messages, options=GenerationOptions(**options))


async def chat_streams_deltas_then_one_finish_event(engine: ChatEngine) -> None:
    events = await collect(engine.stream(make_turn("Say a few words.", max_tokens=8)))
    *deltas, last = events
    assert isinstance(last, TurnFinished), f"the last event is {last!r}"
    assert deltas, "no text"
    assert all(isinstance(event, TextDelta) and event.text for event in deltas), (
        "an event before the last one is not text"
    )
    assert last.usage.prompt_tokens > 0, "prompt tokens are not counted"
    assert last.model, "the model has no name"
    assert pickle.loads(pickle.dumps(events)) == events, "events do not pickle"  # noqa: S301 - trusted bytes


async def chat_stops_at_max_tokens(engine: ChatEngine) -> None:
    *_, last = await collect(engine.stream(make_turn("Count from one to ten in words.", max_tokens=2)))
    assert isinstance(last, TurnFinished)
    assert last.finish_reason == "length", f"finish_reason is {last.finish_reason}"
    assert last.usage.completion_tokens == 2, f"{last.usage.completion_tokens} tokens instead of 2"


async def chat_omits_stop_strings(engine: ChatEngine) -> None:
    text = await collect_text(engine, make_turn("alpha beta gamma", max_tokens=40, stop=("e",), temperature=0.0))
    assert "e" not in text, f"the stop string is in {text!r}"


async def chat_follows_or_rejects_json_schema(engine: ChatEngine) -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    try:
        text = await collect_text(engine, make_turn("Is it fine?", json_schema=json.dumps(schema), max_tokens=60))
    except InvalidRequest:
        return
    assert isinstance(json.loads(text)["ok"], bool), f"{text!r} does not fit the schema"


async def chat_validates_before_streaming(engine: ChatEngine) -> None:
    empty = ChatTurn("conformance", TurnSource(SourceKind.API), ())
    _must_raise(InvalidRequest, lambda: engine.stream(empty))


async def chat_emits_whole_characters(engine: ChatEngine) -> None:
    text = await collect_text(engine, make_turn("Repeat: Привет, мир! 😀 你好", max_tokens=24, temperature=0.0))
    assert "\ufffd" not in text, f"broken characters in {text!r}"
    text.encode()


async def chat_stops_when_closed(engine: ChatEngine) -> None:
    await check_stops_when_closed(engine, engine.stream(make_turn("word " * 200, max_tokens=400)))


async def chat_serves_concurrent_streams(engine: ChatEngine) -> None:
    texts = await asyncio.gather(*(collect_text(engine, make_turn(f"Question {n}", max_tokens=4)) for n in range(3)))
    assert all(texts), "an answer is empty"


async def speech_streams_even_blocks(engine: SpeechEngine) -> None:
    chunks = await collect_speech(engine, SENTENCE)
    rates = {voice.rate for voice in engine.voices()}
    assert [chunk.sequence for chunk in chunks] == list(range(len(chunks))), "sequence does not count from 0"
    assert all(0.1 <= chunk.seconds <= 0.5 for chunk in chunks), "a block is not 100-500 ms"
    assert all(chunk.format.rate in rates for chunk in chunks), "the rate is not that of a voice"
    assert [bool(chunk.text) for chunk in chunks] == [True] + [False] * (len(chunks) - 1), (
        "only the first block has text"
    )
    assert any(any(chunk.audio) for chunk in chunks), "only silence"
    assert pickle.loads(pickle.dumps(chunks)) == chunks, "chunks do not pickle"  # noqa: S301 - trusted bytes


async def speech_applies_speed(engine: SpeechEngine) -> None:
    slow, fast = await speech_seconds(engine, SENTENCE, 0.8), await speech_seconds(engine, SENTENCE, 1.6)
    assert 1.5 < slow / fast < 2.6, f"double speed changes {slow:.2f} s to {fast:.2f} s"


async def speech_is_silent_for_punctuation(engine: SpeechEngine) -> None:
    chunks = await collect_speech(engine, " ... ")
    assert not any(b"".join(chunk.audio for chunk in chunks)), "punctuation must be silent"
    assert 0 < sum(chunk.seconds for chunk in chunks) <= 0.5, "punctuation must be a short pause"


async def speech_validates_before_streaming(engine: SpeechEngine) -> None:
    _must_raise(VoiceNotFound, lambda: engine.synthesize(SpeechRequest("a", voice_id="no-such-voice")))
    _must_raise(LanguageNotSupported, lambda: engine.synthesize(SpeechRequest("a", language="xx")))
    _must_raise(InvalidRequest, lambda: engine.synthesize(SpeechRequest("a", language="en", speed=9)))


async def speech_stops_when_closed(engine: SpeechEngine) -> None:
    await check_stops_when_closed(engine, engine.synthesize(SpeechRequest(SENTENCE * 10, language="en")))


async def speech_serves_concurrent_streams(engine: SpeechEngine) -> None:
    lengths = await asyncio.gather(*(speech_seconds(engine, SENTENCE, 1.0) for _ in range(3)))
    assert max(lengths) < 1.3 * min(lengths), f"concurrent streams differ in length: {lengths}"


async def recognition_streams_segments_then_one_finish_event(engine: Recognizer) -> None:
    events = await collect(
        engine.transcribe(RecognitionRequest(make_noise(2.0), PCM16_16K, language=heard_language(engine)))
    )
    *segments, last = events
    assert isinstance(last, TranscriptFinished), f"the last event is {last!r}"
    assert all(isinstance(event, TranscriptSegment) for event in segments), (
        "an event before the last one is not a segment"
    )
    assert abs(last.seconds - 2.0) < 0.01, f"2 s of audio are reported as {last.seconds} s"
    assert pickle.loads(pickle.dumps(events)) == events, "events do not pickle"  # noqa: S301 - trusted bytes


async def recognition_returns_no_text_for_silence(engine: Recognizer) -> None:
    for audio in (b"", PCM16_16K.silence(2)):
        events = await collect(engine.transcribe(RecognitionRequest(audio, PCM16_16K)))
        assert [getattr(event, "text", None) for event in events] == [""], f"{events} for silence"


async def recognition_validates_before_streaming(engine: Recognizer) -> None:
    for request in (RecognitionRequest(b"RIFF"), RecognitionRequest(b"\0\0\0", PCM16_16K)):
        _must_raise(UnsupportedAudio, partial(engine.transcribe, request))


async def recognition_stops_when_closed(engine: Recognizer) -> None:
    events = engine.transcribe(RecognitionRequest(make_noise(1.0), PCM16_16K, language=heard_language(engine)))
    await check_stops_when_closed(engine, events, timeout_s=2)


def heard_language(engine: Recognizer) -> str:
    """English, or a language that the engine hears instead."""
    languages = engine.status().languages
    return "en" if not languages or "en" in languages else languages[0]


CHAT_CHECKS: tuple[Callable[[ChatEngine], Awaitable[None]], ...] = (
    chat_streams_deltas_then_one_finish_event,
    chat_stops_at_max_tokens,
    chat_omits_stop_strings,
    chat_follows_or_rejects_json_schema,
    *TOOL_CHECKS,
    chat_validates_before_streaming,
    chat_emits_whole_characters,
    chat_stops_when_closed,
    chat_serves_concurrent_streams,
)
SPEECH_CHECKS: tuple[Callable[[SpeechEngine], Awaitable[None]], ...] = (
    speech_streams_even_blocks,
    speech_applies_speed,
    speech_is_silent_for_punctuation,
    speech_validates_before_streaming,
    speech_stops_when_closed,
    speech_serves_concurrent_streams,
)
RECOGNITION_CHECKS: tuple[Callable[[Recognizer], Awaitable[None]], ...] = (
    recognition_streams_segments_then_one_finish_event,
    recognition_returns_no_text_for_silence,
    recognition_validates_before_streaming,
    recognition_stops_when_closed,
)


async def collect(events: AsyncIterator[T]) -> list[T]:
    return [event async for event in events]


async def collect_text(engine: ChatEngine, turn: ChatTurn) -> str:
    """The text of an answer."""
    return "".join([event.text async for event in engine.stream(turn) if isinstance(event, TextDelta)])


async def collect_speech(engine: SpeechEngine, text: str, speed: float = 1.0) -> list[SpeechChunk]:
    return await collect(engine.synthesize(SpeechRequest(text, language="en", speed=speed)))


async def speech_seconds(engine: SpeechEngine, text: str, speed: float) -> float:
    return sum(chunk.seconds for chunk in await collect_speech(engine, text, speed))


def make_noise(seconds: float, format: AudioFormat = PCM16_16K) -> bytes:
    """A sawtooth signal in PCM16: audible, but no speech."""
    return b"".join(
        (n * 37 % 2_000 - 1_000).to_bytes(2, "little", signed=True) for n in range(int(seconds * format.rate))
    )


def live_streams(engine: Engine) -> int:
    """The number of streams in progress: ``status().detail["live"]``."""
    return int(engine.status().detail["live"])


async def check_stops_when_closed(engine: Engine, stream: AsyncIterator[T], timeout_s: float = STOP_TIMEOUT_S) -> None:
    """Closing ``stream`` after its first event stops its work within ``timeout_s``."""
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]  # streams are generators
    deadline = time.monotonic() + timeout_s * machine_load_factor()
    while live_streams(engine):
        assert time.monotonic() < deadline, f"work continues {timeout_s} s after the stream was closed"
        await asyncio.sleep(0.01)


def machine_load_factor() -> float:
    """Load per core, at least 1. Timeouts are multiplied by it, as they are meant for an idle machine."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def check_stopped_engine_refuses(open_stream: Callable[[], object]) -> None:
    """``open_stream`` of a stopped engine raises Unavailable."""
    _must_raise(Unavailable, open_stream)


def _must_raise(expected: type[SecretaryError], call: Callable[[], object]) -> None:
    try:
        call()
    except expected:
        return
    raise AssertionError(f"{expected.__name__} must be raised before the stream is iterated")
