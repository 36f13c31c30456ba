"""Adapters keep the contract of the engine that they wrap."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import JsonValue

from deployments.contracts.audio import PCM16_16K
from deployments.contracts.errors import EngineTimeout, UnsupportedAudio
from deployments.contracts.speech import RecognitionRequest, TranscriptEvent, TranscriptFinished
from deployments.engines.adapters import DecodingRecognizer, TimeoutChatEngine, with_timeouts
from deployments.engines.conformance import (
    CHAT_CHECKS,
    check_conformance,
    collect,
    live_streams,
    make_noise,
    make_turn,
)
from deployments.engines.recognition.transcript import TranscriptOptions, TranscriptRecognizer
from deployments.engines.registry import build_engine
from tests.fakes.decoding import one_window


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


class RecordingTranscripts(TranscriptRecognizer):
    """Keeps the requests."""

    def __init__(self, **options: str) -> None:
        super().__init__(TranscriptOptions.model_validate(options))
        self.requests: list[RecognitionRequest] = []

    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        self.requests.append(request)
        return super().transcribe(request)


async def _without_header(data: bytes, _: float) -> AsyncIterator[bytes]:
    yield data[4:]


async def test_decoding_recognizer_decodes_files_only() -> None:
    recognizer = DecodingRecognizer(build_engine("recognition", "transcript", {"text": "да"}), _without_header)
    await recognizer.start()
    for request in (RecognitionRequest(b"RIFF" + make_noise(1)), RecognitionRequest(make_noise(1), PCM16_16K)):
        last = (await collect(recognizer.transcribe(request)))[-1]
        assert isinstance(last, TranscriptFinished)
        assert (last.text, last.seconds) == ("да", 1.0)


async def test_decoding_recognizer_raises_decode_errors() -> None:
    recognizer = DecodingRecognizer(build_engine("recognition", "transcript"), one_window)
    await recognizer.start()
    with pytest.raises(UnsupportedAudio):
        await collect(recognizer.transcribe(RecognitionRequest(b"text")))


async def test_decoding_recognizer_joins_windows() -> None:
    """One transcript: numbered and timed within the recording, in the language of the first window with speech."""

    async def windows(_: bytes, __: float) -> AsyncIterator[bytes]:
        for window in (bytes(64_000), make_noise(2.0), make_noise(1.0)):
            yield window

    inner = RecordingTranscripts(text="Да. Нет.", language="ru")
    recognizer = DecodingRecognizer(inner, windows)
    await recognizer.start()
    *segments, last = await collect(recognizer.transcribe(RecognitionRequest(b"RIFF", word_timestamps=True)))
    assert last == TranscriptFinished("Да. Нет. Да. Нет.", "ru", 5.0, "transcript")
    found = [(each.id, each.start, each.end, each.words[0].start) for each in segments]
    assert found == [(0, 2.0, 3.0, 2.0), (1, 3.0, 4.0, 3.0), (2, 4.0, 4.5, 4.0), (3, 4.5, 5.0, 4.5)]
    assert [request.language for request in inner.requests] == [None, None, "ru"]
