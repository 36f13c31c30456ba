"""What reaches a provider: messages, images, tools, parameters and the key."""

import json
from dataclasses import replace
from typing import Any

import pytest

from deployments.contracts.chat import (
    ChatMessage,
    ChatTurn,
    GenerationOptions,
    ImagePart,
    SourceKind,
    Tool,
    ToolCall,
    ToolUse,
    TurnSource,
)
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.events import TextDelta, ToolCallDelta, TurnFinished
from deployments.contracts.provider_errors import NotSupported
from deployments.contracts.provider_kinds import PROVIDER_KINDS
from deployments.contracts.sampling import Sampling
from deployments.engines.cloud.engine import TokenPrices
from deployments.engines.conformance import collect
from tests.servers.cloud_provider import Script, cloud_provider
from tests.unit.cloud.engines import KEY, answer, cloud_engine, question

_PNG = "data:image/png;base64,iVBORw0KGgo="
_WEATHER = Tool("weather", "Weather of a city", '{"type": "object", "properties": {"city": {"type": "string"}}}')
_TOOLS = ToolUse((_WEATHER,))
_SCHEMA = '{"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}'
_DEFAULTS = GenerationOptions(
    max_tokens=50, temperature=0.7, top_p=0.9, repetition_penalty=1.1,
    defaulted=("max_tokens", "temperature", "top_p", "repetition_penalty"),
)  # fmt: skip


async def _sent(kind: str, turn: ChatTurn, model_name: str = "", **fields: object) -> Any:
    async with cloud_provider(PROVIDER_KINDS[kind].dialect) as server:
        async with cloud_engine(server, kind, model_name, **fields) as engine:
            await answer(engine, turn)
        return server.last.body


@pytest.mark.parametrize("kind", PROVIDER_KINDS)
async def test_key_is_in_its_header_only(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with cloud_provider(PROVIDER_KINDS[kind].dialect) as server, cloud_engine(server, kind) as engine:
        await answer(engine, question())
        await engine.models()
        exposed = f"{engine!r} {vars(engine)!r} {vars(engine._connection)!r} {caplog.text}"
    for request in server.requests:
        kept = {name: value for name, value in request.headers.items() if KEY in value}
        assert list(kept) == [PROVIDER_KINDS[kind].key_header]
        assert KEY not in request.path + json.dumps(request.body)
    assert KEY not in exposed


@pytest.mark.parametrize("kind", PROVIDER_KINDS)
async def test_defaults_are_sent_where_the_provider_has_them(kind: str) -> None:
    body = await _sent(kind, question(options=_DEFAULTS))
    sent = json.dumps(body)
    assert "0.7" in sent
    assert ("0.9" in sent) is (kind != "claude")
    assert ("1.1" in sent) is (kind in ("openrouter", "vllm"))


@pytest.mark.parametrize("model_name", ["gpt-5", "o3"])
async def test_reasoning_model_gets_no_default_temperature(model_name: str) -> None:
    body = await _sent("openai", question(options=_DEFAULTS), model_name)
    assert "temperature" not in body
    assert body["max_completion_tokens"] == 50


_ALL = {
    "temperature": 0.4, "top_p": 0.8, "repetition_penalty": 1.2, "frequency_penalty": 0.3, "presence_penalty": 0.2,
    "seed": 71, "stop": ("zzz",), "max_tokens": 33,
}  # fmt: skip


@pytest.mark.parametrize("name", _ALL)
@pytest.mark.parametrize("kind", PROVIDER_KINDS)
async def test_parameter_is_sent_or_refused(kind: str, name: str) -> None:
    value = _ALL[name]
    turn = question(options=GenerationOptions(**{name: value}))  # type: ignore[arg-type]
    shown = str(value[0] if isinstance(value, tuple) else value)
    if name in PROVIDER_KINDS[kind].parameters:
        assert shown in json.dumps(await _sent(kind, turn))
    else:
        with pytest.raises(NotSupported, match=name) as caught:
            await _sent(kind, turn)
        assert caught.value.param == name


async def test_provider_parameters_replace_defaults_but_not_the_request() -> None:
    own = Sampling(temperature=0.2, top_p=0.5)
    body = await _sent(
        "openai",
        question(options=replace(_DEFAULTS, top_p=0.6, defaulted=("temperature", "repetition_penalty"))),
        params=own,
    )
    assert (body["temperature"], body["top_p"]) == (0.2, 0.6)


async def test_unsupported_value_is_refused() -> None:
    with pytest.raises(NotSupported, match="at most 1"):
        await _sent("claude", question(options=GenerationOptions(temperature=1.5)))
    with pytest.raises(NotSupported, match="temperature"):
        await _sent("openai", question(options=GenerationOptions(temperature=0.5)), "o3")


@pytest.mark.parametrize("kind", PROVIDER_KINDS)
async def test_json_schema_is_sent_or_refused(kind: str) -> None:
    turn = question(options=GenerationOptions(json_schema=_SCHEMA, max_tokens=50))
    if PROVIDER_KINDS[kind].json == "schema":
        assert '"ok"' in json.dumps(await _sent(kind, turn))
    else:
        with pytest.raises(NotSupported, match="JSON schema"):
            await _sent(kind, turn)
        body = await _sent(kind, question(options=GenerationOptions(json_schema="{}")))
        assert body["response_format"] == {"type": "json_object"}


@pytest.mark.parametrize("kind", PROVIDER_KINDS)
async def test_tools_make_the_round_trip(kind: str) -> None:
    arguments = '{"city": "Kazan"}'
    async with cloud_provider(PROVIDER_KINDS[kind].dialect) as server, cloud_engine(server, kind) as engine:
        server.script = Script(answer="", tool_calls=(("call_1", "weather", arguments), ("call_2", "weather", "{}")))
        events = await collect(engine.stream(replace(question(), tools=_TOOLS)))
        *deltas, finished = events
        assert isinstance(finished, TurnFinished)
        assert finished.finish_reason == "tool_calls"
        calls = [event for event in deltas if isinstance(event, ToolCallDelta)]
        assert [call.name for call in calls if call.id] == ["weather", "weather"]
        joined = "".join(call.arguments for call in calls if call.index == 0)
        assert json.loads(joined) == {"city": "Kazan"}
        assert "Weather of a city" in json.dumps(server.last.body)

        server.script = Script(answer="It is warm.")
        made = ToolCall(next(call.id for call in calls), "weather", arguments)
        history = (
            ChatMessage("user", "How warm is it in Kazan?"),
            ChatMessage("assistant", "", tool_calls=(made,)),
            ChatMessage("tool", "21 degrees", tool_call_id=made.id),
        )
        turn = ChatTurn("t", TurnSource(SourceKind.API), history, tools=_TOOLS, options=GenerationOptions(max_tokens=9))
        assert await answer(engine, turn) == "It is warm."
        assert "21 degrees" in json.dumps(server.last.body)


@pytest.mark.parametrize("kind", PROVIDER_KINDS)
async def test_forced_tool_is_sent(kind: str) -> None:
    turn = replace(question(), tools=ToolUse((_WEATHER,), "function", "weather"))
    body = await _sent(kind, turn)
    assert "weather" in json.dumps(body.get("tool_choice") or body.get("toolConfig"))


@pytest.mark.parametrize("kind", PROVIDER_KINDS)
async def test_sequential_tools_are_sent_or_refused(kind: str) -> None:
    turn = replace(question(), tools=ToolUse((_WEATHER,), parallel=False))
    if PROVIDER_KINDS[kind].sequential_tools:
        assert "parallel" in json.dumps(await _sent(kind, turn))
    else:
        with pytest.raises(NotSupported, match="parallel_tool_calls"):
            await _sent(kind, turn)


def _picture(url: str) -> ChatTurn:
    return replace(question(), messages=(ChatMessage("user", "What is it?", images=(ImagePart(url),)),))


@pytest.mark.parametrize(
    ("kind", "model_name"),
    [("openai", "gpt-4o"), ("claude", ""), ("gemini", ""), ("kimi", "kimi-k2.5"), ("openrouter", ""), ("custom", "")],
)
async def test_image_reaches_a_model_that_sees(kind: str, model_name: str) -> None:
    assert "iVBORw0KGgo=" in json.dumps(await _sent(kind, _picture(_PNG), model_name))


@pytest.mark.parametrize(("kind", "model_name"), [("deepseek", "deepseek-chat"), ("openai", "gpt-3.5-turbo")])
async def test_image_is_refused_with_the_model(kind: str, model_name: str) -> None:
    with pytest.raises(NotSupported, match=model_name):
        await _sent(kind, _picture(_PNG), model_name)


async def test_image_on_the_web_is_fetched_by_the_checked_client() -> None:
    async with (
        cloud_provider("openai") as pictures,
        cloud_provider("gemini") as server,
        cloud_engine(server, "gemini") as engine,
    ):
        picture = _picture(f"http://127.0.0.1:{pictures.port}/a.png")
        pictures.script = Script(fault="picture")
        await answer(engine, picture)
        assert '"UE5H"' in json.dumps(server.last.body)
        server.requests.clear()
        pictures.script = Script(status=203, body="PNG")
        with pytest.raises(InvalidRequest, match="203"):
            await answer(engine, picture)
        engine._connection._image_policy = type(engine._connection._image_policy)()  # type: ignore[attr-defined]
        with pytest.raises(Exception, match="refused"):
            await answer(engine, picture)
    assert all(KEY not in json.dumps(request.headers) for request in pictures.requests)
    assert server.requests == []


@pytest.mark.parametrize(
    ("kind", "model_name", "prefills"),
    [
        ("claude", "claude-opus-4-5-20251101", True),
        ("claude", "claude-opus-4-7", False),
        ("deepseek", "", True),
        ("kimi", "", True),
        ("vllm", "", True),
        ("custom", "", True),
        ("openai", "", False),
        ("gemini", "", False),
        ("openrouter", "", False),
    ],
)
async def test_answer_is_continued(kind: str, model_name: str, prefills: bool) -> None:
    begun = "Our office is open from nine "
    turn = replace(question("When are you open?"), answer_prefix=begun)
    async with cloud_provider(PROVIDER_KINDS[kind].dialect) as server, cloud_engine(server, kind, model_name) as engine:
        server.script = Script(answer=" to six." if prefills else "Office is open from nine to six.")
        assert begun + await answer(engine, turn) == "Our office is open from nine to six."
        sent, path = json.dumps(server.last.body), server.last.path
    assert "Our office is open from nine" in sent
    assert ("cut off" in sent) is not prefills
    assert path.startswith("/beta") is (kind == "deepseek")
    assert ("continue_final_message" in sent) is (kind == "vllm")


@pytest.mark.parametrize(
    ("kind", "model_name", "fields", "cost"),
    [
        ("openai", "gpt-4o-mini", {}, (7 * 0.15 + 5 * 0.6) / 1e6),
        ("claude", "claude-opus-4-5-20251101", {}, (7 * 5 + 5 * 25) / 1e6),
        ("custom", "own-model", {}, 0),
        ("custom", "own-model", {"prices": TokenPrices(2, 4)}, (7 * 2 + 5 * 4) / 1e6),
    ],
)
async def test_answer_has_its_cost(kind: str, model_name: str, fields: dict[str, object], cost: float) -> None:
    async with (
        cloud_provider(PROVIDER_KINDS[kind].dialect) as server,
        cloud_engine(server, kind, model_name, **fields) as engine,
    ):
        *deltas, finished = await collect(engine.stream(question()))
    assert isinstance(finished, TurnFinished)
    assert all(isinstance(event, TextDelta) for event in deltas)
    assert (finished.usage.prompt_tokens, finished.usage.completion_tokens, finished.usage.estimated) == (7, 5, False)
    assert finished.usage.cost == pytest.approx(cost)
    assert finished.route == "cloud:it"


@pytest.mark.parametrize("kind", ["openai", "claude", "gemini"])
async def test_models_are_listed(kind: str) -> None:
    async with cloud_provider(PROVIDER_KINDS[kind].dialect) as server, cloud_engine(server, kind) as engine:
        assert await engine.models() == ("model-a", "model-b")
