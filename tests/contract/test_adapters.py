"""Adapters add an ability and keep the contract of what they wrap."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from pydantic import JsonValue

from deployments.contracts.audio import PCM16_16K
from deployments.contracts.engines import ChatEngine
from deployments.contracts.errors import EngineFailed, EngineTimeout, InvalidRequest, ModelMissing, UnsupportedAudio
from deployments.contracts.events import TextDelta
from deployments.contracts.speech import RecognitionRequest, TranscriptFinished
from deployments.engines.adapters import DecodingRecognizer, FallbackChatEngine, TimeoutChatEngine, with_timeouts
from deployments.engines.conformance import (
    CHAT_CHECKS,
    check_conformance,
    collect,
    collect_text,
    live_streams,
    make_noise,
    make_turn,
)
from deployments.engines.registry import build_engine


def echo(**options: JsonValue) -> ChatEngine:
    return build_engine("chat", "echo", options)


async def drain(engine: ChatEngine, question: str, into: list[object]) -> None:
    async for event in engine.stream(make_turn(question)):
        into.append(event)


async def started(engine: ChatEngine) -> ChatEngine:
    await engine.start()
    return engine


@pytest.mark.parametrize(
    "wrap",
    [
        lambda: FallbackChatEngine(echo(delay_s=0.005), echo()),
        lambda: FallbackChatEngine(echo(fail_after_words=0), echo(delay_s=0.005)),
        lambda: TimeoutChatEngine(echo(delay_s=0.005), lambda: (5, 5)),
    ],
    ids=["fallback", "fallback-used", "timed"],
)
async def test_wrapped_chat_engines_keep_the_contract(wrap: Callable[[], ChatEngine]) -> None:
    await check_conformance(wrap(), CHAT_CHECKS)


async def test_the_next_engine_answers_when_the_first_fails_before_its_first_word() -> None:
    engine = await started(FallbackChatEngine(echo(fail_after_words=0), echo(script={"hi": "from the second"})))
    assert await collect_text(engine, make_turn("hi")) == "from the second"


async def test_nobody_takes_over_in_the_middle_of_an_answer() -> None:
    engine = await started(FallbackChatEngine(echo(fail_after_words=2), echo()))
    heard: list[object] = []
    with pytest.raises(EngineFailed):
        await drain(engine, "one two three", heard)
    assert heard == [TextDelta("one "), TextDelta("two ")]


async def test_an_engine_that_did_not_start_is_passed_over() -> None:
    engine = await started(FallbackChatEngine(build_engine("chat", "llama_cpp", {"model": "no/such.gguf"}), echo()))
    assert await collect_text(engine, make_turn("hello")) == "hello"
    assert engine.status().engine == "echo"


async def test_when_no_engine_starts_the_first_reason_is_given() -> None:
    absent = build_engine("chat", "llama_cpp", {"model": "no/such.gguf"})
    with pytest.raises(ModelMissing):
        await FallbackChatEngine(absent, absent).start()


async def test_a_wrong_request_is_not_tried_elsewhere() -> None:
    engine = await started(FallbackChatEngine(echo(), echo()))
    with pytest.raises(InvalidRequest):
        await collect(engine.stream(make_turn("hi", json_schema="{")))


@pytest.mark.parametrize(
    ("options", "heard"), [({"first_delay_s": 5}, 0), ({"delay_s": 5}, 1)], ids=["first word", "later word"]
)
async def test_a_silent_engine_is_given_up_and_closed(options: dict[str, JsonValue], heard: int) -> None:
    inner = echo(**options)
    engine = await started(TimeoutChatEngine(inner, lambda: (0.05, 0.05)))
    events: list[object] = []
    with pytest.raises(EngineTimeout):
        await drain(engine, "one two", events)
    assert len(events) == heard
    assert live_streams(inner) == 0


async def test_a_slow_reader_is_not_a_slow_engine() -> None:
    engine = await started(TimeoutChatEngine(echo(), lambda: (0.05, 0.05)))
    async for _ in engine.stream(make_turn("one two")):
        await asyncio.sleep(0.08)


async def test_a_file_is_decoded_and_plain_sound_is_passed_on() -> None:
    recognizer = DecodingRecognizer(build_engine("recognition", "transcript", {"text": "да"}), lambda data, _: data[4:])
    await recognizer.start()
    for request in (RecognitionRequest(b"RIFF" + make_noise(1)), RecognitionRequest(make_noise(1), PCM16_16K)):
        last = (await collect(recognizer.transcribe(request)))[-1]
        assert isinstance(last, TranscriptFinished)
        assert (last.text, last.seconds) == ("да", 1.0)


async def test_what_is_no_sound_is_said_to_be_none() -> None:
    def refuse(_: bytes, __: float) -> bytes:
        raise UnsupportedAudio("no sound")

    recognizer = DecodingRecognizer(build_engine("recognition", "transcript"), refuse)
    await recognizer.start()
    with pytest.raises(UnsupportedAudio):
        await collect(recognizer.transcribe(RecognitionRequest(b"text")))


class Bare:
    """An iterator that cannot be closed."""

    def __aiter__(self) -> AsyncIterator[int]:
        return self

    async def __anext__(self) -> int:
        raise StopAsyncIteration


async def test_streams_without_a_close_are_fine() -> None:
    assert await collect(with_timeouts(Bare(), 1, 1)) == []
