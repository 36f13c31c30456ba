"""llama.cpp beyond the contract: what makes it fit for a telephone."""

import asyncio
import time
from collections.abc import AsyncIterator

import psutil
import pytest

from deployments.contracts.chat import ChatTurn
from deployments.contracts.errors import EngineFailed, InvalidRequest, ModelMissing, TextTooLong, Unavailable
from deployments.contracts.events import TextDelta, TurnFinished
from deployments.engines.chat.llama_cpp import LlamaCppEngine, LlamaCppOptions
from deployments.engines.conformance import collect, collect_text, live_streams, machine_load_factor, make_turn
from deployments.engines.registry import build_engine
from tests.contract.engine_options import LLAMA_MODEL, demo_model_path

pytestmark = pytest.mark.model
LONG = "Tell a very long story about a lighthouse."


@pytest.fixture
async def engine() -> AsyncIterator[LlamaCppEngine]:
    engine = LlamaCppEngine(LlamaCppOptions(model=demo_model_path(LLAMA_MODEL), threads=2, slots=2, context=2_048))
    await engine.start()
    yield engine
    await engine.stop()


async def finish(engine: LlamaCppEngine, request: ChatTurn) -> TurnFinished:
    last = (await collect(engine.stream(request)))[-1]
    assert isinstance(last, TurnFinished)
    return last


async def until_idle(engine: LlamaCppEngine, within: float) -> float:
    """Seconds until no work is left; fails after ``within``."""
    started = time.monotonic()
    while live_streams(engine):
        assert time.monotonic() - started < within * machine_load_factor(), "work goes on"
        await asyncio.sleep(0.005)
    return time.monotonic() - started


async def test_a_closed_answer_stops_burning_processor_time(engine: LlamaCppEngine) -> None:
    stream = engine.stream(make_turn(LONG, max_tokens=1_500))
    await anext(stream)
    await stream.aclose()
    await until_idle(engine, within=1)
    await asyncio.sleep(0.1)
    before = time.process_time()
    await asyncio.sleep(0.5)
    assert time.process_time() - before < 0.1


async def test_a_cancelled_reader_stops_the_reading_of_a_long_prompt(engine: LlamaCppEngine) -> None:
    waits = []
    for attempt in range(3):  # the best of three: a busy machine may hold one batch up
        first = asyncio.ensure_future(anext(engine.stream(make_turn(f"{attempt} " + "word " * 1_800))))
        await asyncio.sleep(0.4)
        assert not first.done()
        first.cancel()
        waits.append(await until_idle(engine, within=8))
    assert min(waits) < machine_load_factor()


async def test_answers_run_side_by_side(engine: LlamaCppEngine) -> None:
    order: list[str] = []

    async def read(name: str) -> None:
        async for event in engine.stream(make_turn(f"{name}: {LONG}", max_tokens=12)):
            if isinstance(event, TextDelta):
                order.append(name)

    await asyncio.gather(read("a"), read("b"))
    assert order != sorted(order), "the second answer waited for the end of the first"


async def test_a_turn_in_line_can_leave_without_waiting(engine: LlamaCppEngine) -> None:
    busy = [engine.stream(make_turn(LONG, max_tokens=1_500)) for _ in range(2)]
    for stream in busy:
        await anext(stream)
    waiting = asyncio.ensure_future(anext(engine.stream(make_turn("hello"))))
    await asyncio.sleep(0.05)
    assert live_streams(engine) == 3
    waiting.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    assert live_streams(engine) == 2
    for stream in busy:
        await stream.aclose()
    await until_idle(engine, within=1)


async def test_a_second_turn_reuses_the_prompt_of_the_first(engine: LlamaCppEngine) -> None:
    question = "The secretary of a small bakery answers the phone. What are the opening hours?"
    first = await finish(engine, make_turn(question, max_tokens=2))
    second = await finish(engine, make_turn(question, max_tokens=2))
    assert second.usage.cached_tokens > first.usage.cached_tokens
    assert second.usage.cached_tokens >= second.usage.prompt_tokens - 2


async def test_the_same_seed_gives_the_same_answer(engine: LlamaCppEngine) -> None:
    request = make_turn("Name a colour.", max_tokens=6, seed=7, temperature=1.0)
    assert await collect_text(engine, request) == await collect_text(engine, request)


async def test_a_conversation_that_does_not_fit_is_the_callers_fault(engine: LlamaCppEngine) -> None:
    with pytest.raises(InvalidRequest, match="too long"):
        await collect(engine.stream(make_turn("word " * 3_000)))


@pytest.mark.parametrize("schema", ["{", "[]", '{"type": "nonsense"}'])
async def test_a_schema_nobody_can_follow_is_refused(engine: LlamaCppEngine, schema: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await collect(engine.stream(make_turn("hi", json_schema=schema)))
    assert caught.value.param == "response_format"


async def test_a_slow_reader_gets_every_word(engine: LlamaCppEngine) -> None:
    deltas = 0
    async for event in engine.stream(make_turn(LONG, max_tokens=20, temperature=0.0)):
        await asyncio.sleep(0.02)
        deltas += isinstance(event, TextDelta)
    assert deltas >= 18


async def test_stopping_the_engine_ends_live_answers_with_an_error(engine: LlamaCppEngine) -> None:
    stream = engine.stream(make_turn(LONG, max_tokens=1_500))
    await anext(stream)
    await engine.stop()
    with pytest.raises(Unavailable):
        await collect(stream)


async def test_no_tcp_port_is_opened() -> None:
    before = listening()
    engine = LlamaCppEngine(LlamaCppOptions(model=demo_model_path(LLAMA_MODEL), threads=2, slots=1))
    await engine.start()
    try:
        assert listening() <= before
    finally:
        await engine.stop()


def listening() -> set[tuple[str, int]]:
    """Addresses on which this process listens."""
    connections = psutil.Process().net_connections("tcp")
    return {(c.laddr.ip, c.laddr.port) for c in connections if c.status == psutil.CONN_LISTEN}


async def test_vectors_are_near_for_near_texts() -> None:
    engine = LlamaCppEngine(LlamaCppOptions(model=demo_model_path(LLAMA_MODEL), threads=2, slots=1, embeddings=True))
    await engine.start()
    try:
        found = await engine.embed(("the cat sleeps", "the cat is asleep", "pay the invoice by Friday"))
        cat, kitten, tax = found.vectors
        assert 12 <= found.tokens <= 20
        assert sum(a * b for a, b in zip(cat, kitten, strict=True)) > sum(a * b for a, b in zip(cat, tax, strict=True))
        with pytest.raises(TextTooLong):
            await engine.embed(("я" * 1_500,))
    finally:
        await engine.stop()


async def test_vectors_are_refused_when_not_switched_on(engine: LlamaCppEngine) -> None:
    with pytest.raises(InvalidRequest, match="embeddings"):
        await engine.embed(("hi",))


async def test_a_missing_model_names_the_command_that_brings_it() -> None:
    command = "secretary models pull smollm2-135m-instruct"
    for options in (
        {"model": "no/such.gguf", "model_id": "smollm2-135m-instruct"},
        {"model": "models/smollm2-135m-instruct/such.gguf"},
    ):
        engine = build_engine("chat", "llama_cpp", options)
        with pytest.raises(ModelMissing, match=f"run: {command}$"):
            await engine.start()
        assert engine.status().remedy == command


async def test_a_broken_model_file_is_an_engine_failure(tmp_path: object) -> None:
    file = f"{tmp_path}/broken.gguf"
    with open(file, "wb") as out:
        out.write(b"not a model" * 100)
    engine = build_engine("chat", "llama_cpp", {"model": file})
    with pytest.raises(EngineFailed, match=r"broken\.gguf"):
        await engine.start()
    assert not engine.status().ready
