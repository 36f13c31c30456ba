"""The engine vllm with a tiny model on the CPU. One engine serves all tests; the last one kills it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from deployments.contracts.chat import ChatTurn, Route, RouteKind, Tool, ToolUse
from deployments.contracts.errors import ConversationTooLong, EngineFailed, InvalidRequest, ModelNotFound, Unavailable
from deployments.contracts.events import ToolCallDelta, TurnFinished
from deployments.contracts.provider_errors import NotSupported
from deployments.engines.chat.vllm_engine import VllmEngine
from deployments.engines.chat.vllm_options import VllmOptions
from deployments.engines.conformance import CHAT_CHECKS, collect, collect_text, live_streams, make_turn
from tests.vllm.conftest import KV_CACHE_BYTES, TinyModel
from tests.vllm.processes import engine_core, engine_processes, is_alive
from tests.vllm.tiny_model import CALL_ARGUMENTS, WORDS
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")
WEATHER = Tool("get_weather", "Weather of a city", '{"type":"object","properties":{"city":{"type":"string"}}}')
ENDLESS = make_turn("Count.", max_tokens=800)


def tiny_options(tiny: TinyModel, **options: Any) -> VllmOptions:
    return VllmOptions(
        model=tiny.folder,
        dtype="float32",
        enforce_eager=True,
        max_model_len=1_024,
        kv_cache_memory_bytes=KV_CACHE_BYTES,
        **options,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tiny: TinyModel) -> AsyncIterator[VllmEngine]:
    engine = VllmEngine(tiny_options(tiny, adapters=tiny.adapters, tool_parser="hermes", max_num_seqs=8))
    phases: list[str] = []
    loading = asyncio.create_task(engine.start())
    while not loading.done():
        phases.append(engine.status().progress)
        await asyncio.sleep(0.02)
    await loading
    order = list(dict.fromkeys(phase.rstrip("0123456789 %") for phase in phases if phase))
    assert order == ["starting the engine", "loading weights", "warming up"]
    yield engine
    await engine.stop()
    assert not engine_processes()


@pytest.mark.parametrize("check", CHAT_CHECKS, ids=lambda check: check.__name__)
async def test_vllm_conforms(engine: VllmEngine, check: Any) -> None:
    await check(engine)


async def test_vllm_counts_tokens_and_reuses_the_prompt(engine: VllmEngine) -> None:
    turn = make_turn("x" * 300, max_tokens=3)
    first, again = [(await collect(engine.stream(turn)))[-1] for _ in range(2)]
    assert isinstance(first, TurnFinished)
    assert isinstance(again, TurnFinished)
    assert first.usage.prompt_tokens == again.usage.prompt_tokens > 300
    assert (first.usage.completion_tokens, first.usage.cached_tokens) == (3, 0)
    assert again.usage.cached_tokens >= 256
    assert (first.route, first.model, first.finish_reason) == ("local", "tiny", "length")


async def test_vllm_continues_a_started_answer(engine: VllmEngine) -> None:
    whole = await collect_text(engine, make_turn("Count.", max_tokens=6))
    assert whole == "".join(WORDS[:6])
    for words in range(1, 6):
        prefix = "".join(WORDS[:words])
        turn = replace(make_turn("Count.", max_tokens=6 - words), answer_prefix=prefix)
        assert prefix + await collect_text(engine, turn) == whole
    with pytest.raises(NotSupported):
        engine.stream(replace(make_turn("Count.", json_schema="{}"), answer_prefix=" one"))


async def test_vllm_applies_every_sampling_option(engine: VllmEngine) -> None:
    hot = {"temperature": 2.0, "max_tokens": 30}
    one, same, other = [await collect_text(engine, make_turn("Count.", seed=seed, **hot)) for seed in (1, 1, 2)]
    assert one == same != other
    assert await collect_text(engine, make_turn("Count.", top_p=0.1, **hot)) == "".join((WORDS * 3)[:30])
    counted = await collect_text(engine, make_turn("Count.", temperature=0, max_tokens=120))
    for penalty in ({"frequency_penalty": 2.0}, {"repetition_penalty": 2.0, "temperature": 2.0, "seed": 1}):
        text = await collect_text(engine, make_turn("Count.", **{"temperature": 0, "max_tokens": 120, **penalty}))
        assert text != counted, f"{penalty} has no effect"


async def test_vllm_follows_a_schema(engine: VllmEngine) -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 3, "maximum": 5}, "ok": {"const": True}},
        "required": ["n", "ok"],
    }
    text = await collect_text(engine, make_turn("?", json_schema=json.dumps(schema), temperature=0, max_tokens=60))
    answer = json.loads(text)
    assert (3 <= answer["n"] <= 5, answer["ok"]) == (True, True)


@pytest.mark.parametrize("parallel", [None, False])
async def test_vllm_streams_the_call_of_a_tool(engine: VllmEngine, parallel: bool | None) -> None:
    turn = replace(make_turn("Weather in Paris?", max_tokens=60), tools=ToolUse((WEATHER,), parallel=parallel))
    *deltas, last = await collect(engine.stream(turn))
    calls = [event for event in deltas if isinstance(event, ToolCallDelta)]
    assert deltas == calls
    assert [call.name for call in calls if call.id] == ["get_weather"]
    assert {call.index for call in calls} == {0}
    assert json.loads("".join(call.arguments for call in calls)) == CALL_ARGUMENTS
    assert isinstance(last, TurnFinished)
    assert last.finish_reason == "tool_calls"


async def test_vllm_tool_choice_none_gives_text(engine: VllmEngine) -> None:
    turn = replace(make_turn("Weather?", max_tokens=3), tools=ToolUse((WEATHER,), "none"))
    assert await collect_text(engine, turn) == "".join(WORDS[:3])


async def test_vllm_too_long_conversation_names_the_limit(engine: VllmEngine) -> None:
    for length in (1_024, 200_000):
        with pytest.raises(ConversationTooLong, match="1024 tokens"):
            await collect(engine.stream(make_turn("x" * length)))
    short = await collect(engine.stream(make_turn("x" * 900, max_tokens=5_000)))
    assert isinstance(short[-1], TurnFinished)
    assert short[-1].finish_reason == "length"


async def test_vllm_refuses_a_schema_that_it_cannot_use(engine: VllmEngine) -> None:
    schema = json.dumps({"type": "object", "properties": {"a": {"$ref": "#/$defs/missing"}}})
    with pytest.raises(InvalidRequest):
        await collect(engine.stream(make_turn("?", json_schema=schema, max_tokens=20)))


async def test_vllm_adapters_change_the_answer(engine: VllmEngine) -> None:
    assert engine.status().adapters == ("polite", "loud")

    def with_adapter(name: str) -> ChatTurn:
        return replace(make_turn("Count.", max_tokens=3), route=Route(RouteKind.LOCAL, "chat", name))

    for _ in range(5):
        texts = await asyncio.gather(*(collect_text(engine, with_adapter(name)) for name in ("", "polite", "loud")))
        assert texts == [" one two three", " please please please", " HEY HEY HEY"]
    with pytest.raises(ModelNotFound, match="polite, loud"):
        engine.stream(with_adapter("rude"))


async def test_vllm_cancelled_reader_aborts_the_request(engine: VllmEngine) -> None:
    stream = engine.stream(ENDLESS)
    await anext(stream)
    reader = asyncio.ensure_future(_drain(stream))
    await asyncio.sleep(0)
    reader.cancel()
    await wait_until(lambda: not live_streams(engine), timeout_s=1)
    core = engine_core()
    await wait_until(lambda: core.cpu_percent(0.1) < 50, timeout_s=2)


async def test_vllm_cannot_sleep_without_the_option(engine: VllmEngine) -> None:
    with pytest.raises(InvalidRequest, match="sleep_level"):
        await engine.sleep()


async def test_vllm_dead_core_ends_streams_and_readiness(engine: VllmEngine) -> None:
    stream = engine.stream(ENDLESS)
    await anext(stream)
    processes = engine_processes()
    engine_core().kill()
    with pytest.raises(EngineFailed):
        async with asyncio.timeout(10):
            await _drain(stream)
    await wait_until(lambda: not engine.status().ready, timeout_s=5)
    assert "ended unexpectedly" in engine.status().error
    await wait_until(lambda: not any(map(is_alive, processes)), timeout_s=10)
    with pytest.raises(Unavailable):
        engine.stream(ENDLESS)
    await engine.start()
    assert engine.status().ready
    assert await collect_text(engine, make_turn("Count.", max_tokens=1)) == " one"


async def test_vllm_failed_load_tells_the_reason(tiny: TinyModel, tmp_path: Any) -> None:
    for file in tiny.folder.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    before = set(engine_processes())
    broken = VllmEngine(tiny_options(replace(tiny, folder=tmp_path)))
    with pytest.raises(EngineFailed, match=r"[Cc]annot find any model weights"):
        await broken.start()
    assert not broken.status().ready
    assert set(engine_processes()) == before


@pytest.mark.parametrize("cancelled", [False, True])
async def test_vllm_abandoned_load_leaves_no_process(tiny: TinyModel, cancelled: bool) -> None:
    before = set(engine_processes())
    slow = VllmEngine(tiny_options(tiny, load_timeout_s=300 if cancelled else 2))
    loading = asyncio.create_task(slow.start())
    if cancelled:
        await wait_until(lambda: set(engine_processes()) - before, timeout_s=60)
        loading.cancel()
    (error,) = await asyncio.gather(loading, return_exceptions=True)
    assert type(error).__name__ == ("CancelledError" if cancelled else "EngineTimeout")
    assert set(engine_processes()) == before


async def _drain(stream: AsyncIterator[object]) -> None:
    async for _ in stream:
        pass
