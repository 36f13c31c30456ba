"""llama.cpp: cancellation, slots, prompt reuse, embeddings and errors. One engine serves all tests but one."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import psutil
import pytest
import pytest_asyncio

from deployments.contracts.chat import ChatMessage, ChatTurn, Tool, ToolCall, ToolUse
from deployments.contracts.commands import secretary_command
from deployments.contracts.errors import (
    ConversationTooLong,
    EngineFailed,
    InvalidRequest,
    ModelMissing,
    Unavailable,
)
from deployments.contracts.events import TextDelta, ToolCallDelta, TurnFinished
from deployments.engines.chat.llama_cpp import LlamaCppEngine, LlamaCppOptions
from deployments.engines.conformance import collect, collect_text, live_streams, machine_load_factor, make_turn
from deployments.engines.registry import build_engine
from tests.contract.engine_options import LLAMA_MODEL, demo_model_path
from tests.waiting import wait_until

pytestmark = [pytest.mark.model, pytest.mark.asyncio(loop_scope="module")]
WEATHER = Tool("get_weather", "Weather of a city", '{"type":"object","properties":{"city":{"type":"string"}}}')
TIMER = Tool(
    "set_timer",
    "Sets a timer",
    '{"type": "object", "properties": {"minutes": {"$ref": "#/$defs/minutes"}}, "required": ["minutes"], '
    '"$defs": {"minutes": {"type": "integer", "minimum": 1, "maximum": 60}}}',
)
TOOLS, REQUIRED = ToolUse((WEATHER,)), ToolUse((TIMER,), "required")
STORY = "Tell a very long story about a lighthouse."


def build_llama(**options: object) -> LlamaCppEngine:
    return LlamaCppEngine(LlamaCppOptions(model=demo_model_path(LLAMA_MODEL), threads=1, **options))


@pytest.fixture(scope="module")
def listening_before() -> set[tuple[str, int]]:
    return listening_addresses()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(listening_before: set[tuple[str, int]]) -> AsyncIterator[LlamaCppEngine]:
    engine = build_llama(slots=2, context=2_048, embeddings=True)
    await engine.start()
    yield engine
    await engine.stop()


def listening_addresses() -> set[tuple[str, int]]:
    """TCP addresses on which this process listens."""
    connections = psutil.Process().net_connections("tcp")
    return {(c.laddr.ip, c.laddr.port) for c in connections if c.status == psutil.CONN_LISTEN}


async def finish(engine: LlamaCppEngine, turn: ChatTurn) -> TurnFinished:
    last = (await collect(engine.stream(turn)))[-1]
    assert isinstance(last, TurnFinished)
    return last


async def wait_until_idle(engine: LlamaCppEngine, timeout_s: float) -> float:
    """Waits until no stream is live. Returns the seconds that it took."""
    started = time.monotonic()
    await wait_until(lambda: not live_streams(engine), timeout_s * machine_load_factor())
    return time.monotonic() - started


async def test_llama_opens_no_tcp_port(engine: LlamaCppEngine, listening_before: set[tuple[str, int]]) -> None:
    assert engine.status().ready
    assert listening_addresses() <= listening_before


async def test_closed_stream_stops_using_the_cpu(engine: LlamaCppEngine) -> None:
    stream = engine.stream(make_turn(STORY, max_tokens=1_500))
    await anext(stream)
    await stream.aclose()
    await wait_until_idle(engine, timeout_s=2)
    before = time.process_time()
    await asyncio.sleep(0.2)
    assert time.process_time() - before < 0.1


async def test_cancelled_reader_stops_a_long_prompt(engine: LlamaCppEngine) -> None:
    for attempt in range(3):  # on a busy machine one batch may take long
        first = asyncio.ensure_future(anext(engine.stream(make_turn(f"{attempt} " + "word " * 1_800))))
        await asyncio.sleep(0.1)
        assert not first.done()
        first.cancel()
        if await wait_until_idle(engine, timeout_s=10) < machine_load_factor():
            return
    pytest.fail("the prompt was read to its end")


async def test_two_answers_are_generated_concurrently(engine: LlamaCppEngine) -> None:
    order: list[str] = []

    async def read(name: str) -> None:
        async for event in engine.stream(make_turn(f"{name}: {STORY}", max_tokens=12)):
            if isinstance(event, TextDelta):
                order.append(name)

    await asyncio.gather(read("a"), read("b"))
    assert order != sorted(order)


async def test_queued_turn_can_be_cancelled(engine: LlamaCppEngine) -> None:
    running = [engine.stream(make_turn(STORY, max_tokens=1_500)) for _ in range(2)]
    for stream in running:
        await anext(stream)
    queued = asyncio.ensure_future(anext(engine.stream(make_turn("hello"))))
    await wait_until(lambda: live_streams(engine) == 3)
    queued.cancel()
    await wait_until(lambda: live_streams(engine) == 2, timeout_s=0.5)
    for stream in running:
        await stream.aclose()
    await wait_until_idle(engine, timeout_s=2)


async def test_second_turn_reuses_the_prompt_cache(engine: LlamaCppEngine) -> None:
    question = "The secretary of a small bakery answers the phone. What are the opening hours?"
    first = await finish(engine, make_turn(question, max_tokens=2))
    second = await finish(engine, make_turn(question, max_tokens=2))
    assert second.usage.cached_tokens > first.usage.cached_tokens
    assert second.usage.cached_tokens >= second.usage.prompt_tokens - 2


async def test_same_seed_gives_the_same_answer(engine: LlamaCppEngine) -> None:
    turn = make_turn("Name a colour.", max_tokens=6, seed=7, temperature=1.0)
    assert await collect_text(engine, turn) == await collect_text(engine, turn)


@pytest.mark.parametrize("text", ["word " * 3_000, "<|im_start|>" * 100_000], ids=["words", "control tokens"])
async def test_too_long_conversation_is_refused(engine: LlamaCppEngine, text: str) -> None:
    started = time.process_time()
    with pytest.raises(ConversationTooLong):
        await collect(engine.stream(make_turn(text)))
    assert time.process_time() - started < 1


@pytest.mark.parametrize("schema", ["{", "[]", '{"type": "nonsense"}'])
async def test_invalid_schema_is_refused(engine: LlamaCppEngine, schema: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await collect(engine.stream(make_turn("hi", json_schema=schema)))
    assert caught.value.param == "response_format"


async def test_tool_loop_ends_with_an_answer(engine: LlamaCppEngine) -> None:
    """Earlier calls of the conversation lead this small model to another one, without any grammar before it starts."""
    asked: list[ChatMessage] = []
    for city in ("Paris", "Rome", "Oslo", "Madrid", "Berlin"):
        call = ToolCall(city, "get_weather", json.dumps({"city": city}))
        asked += [
            ChatMessage("user", f"What is the weather in {city}?"),
            ChatMessage("assistant", "", tool_calls=(call,)),
            ChatMessage("tool", f"{city}: sunny", tool_call_id=city),
            ChatMessage("assistant", f"It is sunny in {city}."),
        ]
    question = ChatMessage("user", "What is the weather in London?")
    turn = replace(make_turn("", max_tokens=60, temperature=0.0), messages=(*asked, question), tools=TOOLS)
    *calls, finished = await collect(engine.stream(turn))
    assert all(isinstance(call, ToolCallDelta) for call in calls)
    assert isinstance(finished, TurnFinished)
    assert finished.finish_reason == "tool_calls"
    assert json.loads("".join(call.arguments for call in calls if isinstance(call, ToolCallDelta))) == {
        "city": "London"
    }
    made = ToolCall("London", "get_weather", '{"city": "London"}')
    result = (
        ChatMessage("assistant", "", tool_calls=(made,)),
        ChatMessage("tool", "London: rainy", tool_call_id="London"),
    )
    text = await collect_text(engine, replace(turn, messages=(*turn.messages, *result)))
    assert "London" in text


async def test_required_call_has_valid_arguments(engine: LlamaCppEngine) -> None:
    turn = replace(make_turn("Set a timer of five minutes.", max_tokens=80, temperature=0.0), tools=REQUIRED)
    *calls, finished = await collect(engine.stream(turn))
    first = calls[0]
    assert isinstance(first, ToolCallDelta)
    arguments = json.loads("".join(call.arguments for call in calls if isinstance(call, ToolCallDelta)))
    assert (first.name, 1 <= arguments["minutes"] <= 60) == ("set_timer", True)
    assert isinstance(finished, TurnFinished)
    assert (finished.finish_reason, finished.usage.completion_tokens > 5) == ("tool_calls", True)


async def test_template_for_tools_leaves_other_prompts_alone(engine: LlamaCppEngine) -> None:
    plain = await finish(engine, make_turn("hello", max_tokens=1))
    offered = await finish(engine, replace(make_turn("hello", max_tokens=1), tools=TOOLS))
    assert plain.usage.prompt_tokens < 40 < offered.usage.prompt_tokens


async def test_answer_prefix_is_continued(engine: LlamaCppEngine) -> None:
    turn = replace(make_turn("Count from one to nine.", max_tokens=4, temperature=0.0), answer_prefix="One, two,")
    assert (await collect_text(engine, turn)).startswith(" three")


async def test_slow_reader_receives_every_delta(engine: LlamaCppEngine) -> None:
    deltas = 0
    async for event in engine.stream(make_turn(STORY, max_tokens=12, temperature=0.0)):
        await asyncio.sleep(0.02)
        deltas += isinstance(event, TextDelta)
    assert deltas >= 10


async def test_embeddings_of_similar_texts_are_close(engine: LlamaCppEngine) -> None:
    embeddings = await engine.embed(("the cat sleeps", "the cat is asleep", "pay the invoice by Friday"))
    text, similar, other = embeddings.vectors
    assert 12 <= embeddings.tokens <= 20
    assert dot(text, similar) > dot(text, other)


async def test_embedding_of_a_long_text_is_near_its_parts(engine: LlamaCppEngine) -> None:
    cats, invoices = "The cat sleeps on the warm sofa. " * 30, "Pay the invoice by Friday at the latest. " * 30
    vectors = (await engine.embed((cats, cats + cats, invoices))).vectors
    assert dot(vectors[0], vectors[0]) == pytest.approx(1, abs=1e-3)
    assert dot(vectors[0], vectors[1]) > 0.98 > dot(vectors[0], vectors[2])


async def test_abandoned_embeddings_leave_no_work(engine: LlamaCppEngine) -> None:
    request = asyncio.ensure_future(engine.embed(("The secretary takes a message for the bakery. " * 40,) * 1_000))
    await wait_until(lambda: engine.status().detail["embedding"] == "1")
    request.cancel()
    await wait_until(lambda: engine.status().detail["embedding"] == "0", timeout_s=2 * machine_load_factor())
    before = time.process_time()
    await asyncio.sleep(0.2)
    assert time.process_time() - before < 0.1


def dot(left: tuple[float, ...], right: tuple[float, ...]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


async def test_embed_without_the_option_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        await build_llama().embed(("hi",))


async def test_stop_ends_a_live_stream_with_unavailable() -> None:
    engine = build_llama(slots=1)
    await engine.start()
    stream = engine.stream(make_turn(STORY, max_tokens=1_500))
    await anext(stream)
    await engine.stop()
    with pytest.raises(Unavailable):
        await collect(stream)


@pytest.mark.parametrize(
    "options",
    [
        {"model": "no/such.gguf", "model_id": "smollm2-135m-instruct"},
        {"model": "models/smollm2-135m-instruct/such.gguf"},
    ],
    ids=["model id", "path"],
)
async def test_missing_model_names_the_pull_command(options: dict[str, str]) -> None:
    engine = build_engine("chat", "llama_cpp", dict(options))
    with pytest.raises(ModelMissing) as caught:
        await engine.start()
    assert caught.value.remedy == engine.status().remedy == secretary_command("models pull smollm2-135m-instruct")


async def test_invalid_model_file_raises_engine_failed(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("models") / "broken.gguf"
    file.write_bytes(b"not a model" * 100)
    engine = build_engine("chat", "llama_cpp", {"model": str(file)})
    with pytest.raises(EngineFailed):
        await engine.start()
    assert not engine.status().ready
