"""Adapters keep the contract of the engine that they wrap."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import JsonValue

from deployments.contracts.audio import PCM16_16K
from deployments.contracts.errors import EngineTimeout, UnsupportedAudio
from deployments.contracts.speech import RecognitionRequest, TranscriptFinished
from deployments.engines.adapters import DecodingRecognizer, TimeoutChatEngine, with_timeouts
from deployments.engines.conformance import (
    CHAT_CHECKS,
    check_conformance,
    collect,
    live_streams,
    make_noise,
    make_turn,
)
from deployments.engines.registry import build_engine


async def test_timeout_engine_passes_conformance() -> None:
    await check_conformance(TimeoutChatEngine(build_engine("chat", "echo"), lambda: (5, 5)), CHAT_CHECKS)


@pytest.mark.parametrize(
    ("options", "delivered"), [({"first_delay_s": 5}, 0), ({"delay_s": 5}, 1)], ids=["first event", "later event"]
)
async def test_timeout_closes_a_silent_engine(options: dict[str, JsonValue], delivered: int) -> None:
    inner = build_engine("chat", "echo", options)
    engine = TimeoutChatEngine(inner, lambda: (0.05, 0.05))
    await engine.start()
    events = engine.stream(make_turn("one two"))
    for _ in range(delivered):
        await anext(events)
    with pytest.raises(EngineTimeout):
        await anext(events)
    assert live_streams(inner) == 0


async def test_timeout_ignores_a_slow_reader() -> None:
    engine = TimeoutChatEngine(build_engine("chat", "echo"), lambda: (0.02, 0.02))
    await engine.start()
    async for _ in engine.stream(make_turn("one two")):
        await asyncio.sleep(0.03)


async def test_timeout_accepts_an_iterator_without_aclose() -> None:
    class Iterator:
        def __aiter__(self) -> AsyncIterator[int]:
            return self

        async def __anext__(self) -> int:
            raise StopAsyncIteration

    assert await collect(with_timeouts(Iterator(), 1, 1)) == []


async def test_decoding_recognizer_decodes_files_only() -> None:
    recognizer = DecodingRecognizer(build_engine("recognition", "transcript", {"text": "да"}), lambda data, _: data[4:])
    await recognizer.start()
    for request in (RecognitionRequest(b"RIFF" + make_noise(1)), RecognitionRequest(make_noise(1), PCM16_16K)):
        last = (await collect(recognizer.transcribe(request)))[-1]
        assert isinstance(last, TranscriptFinished)
        assert (last.text, last.seconds) == ("да", 1.0)


async def test_decoding_recognizer_raises_decode_errors() -> None:
    def decode(_: bytes, __: float) -> bytes:
        raise UnsupportedAudio("no sound")

    recognizer = DecodingRecognizer(build_engine("recognition", "transcript"), decode)
    await recognizer.start()
    with pytest.raises(UnsupportedAudio):
        await collect(recognizer.transcribe(RecognitionRequest(b"text")))
