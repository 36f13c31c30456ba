"""Chains of models: the next one takes over before the first token and in mid-answer."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.contracts.chat import ChatTurn, GenerationOptions, Route, Tool, ToolUse
from deployments.contracts.engines import ChatEngine, ChatEvent
from deployments.contracts.errors import EngineFailed, InvalidRequest, ModelNotFound, Unavailable
from deployments.contracts.events import SpeechReady, TextDelta, TurnFailed, TurnFinished
from deployments.contracts.providers import ChainPolicy, ProviderSpec, RouteChain
from deployments.conversation.model_chain import ModelChain, RoutedEvent
from deployments.conversation.model_choice import ChatRoute, expand_route, routes_of_turn
from deployments.conversation.route_breakers import RouteBreakers
from deployments.engines.chat.echo import EchoEngine, EchoOptions
from tests.unit.conversation.fakes import LanguageEcho
from tests.unit.conversation.harness import SNAPSHOT, AssistantHarness, StaticSnapshotSource, joined_text, user_turn

ANSWER = "One two three, four five six. Seven eight nine ten."
CHAIN = Route.parse("chain:work")


async def echo(**options: object) -> EchoEngine:
    engine = EchoEngine(EchoOptions.model_validate(options))
    await engine.start()
    return engine


class Silent(EchoEngine):
    """An echo engine that never sends an event. ``closed`` is set when its stream is closed."""

    def __init__(self) -> None:
        super().__init__(EchoOptions())
        self.closed = asyncio.Event()

    async def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:  # type: ignore[override]
        try:
            await asyncio.Event().wait()
            yield TextDelta("")
        finally:
            self.closed.set()


def snapshot_with(chain: RouteChain, *others: RouteChain) -> StaticSnapshotSource:
    providers = tuple(
        ProviderSpec(id=name, name=name, provider_type="custom", model_name="m", base_url="https://example.com")
        for name in ("a", "b")
    )
    return StaticSnapshotSource(SNAPSHOT.model_copy(update={"chains": (chain, *others), "providers": providers}))


async def assistant_with(first: ChatEngine, second: ChatEngine, **policy: object) -> AssistantHarness:
    chain = RouteChain.model_validate({"name": "work", "routes": ("local", "cloud:b")} | policy)
    harness = await AssistantHarness(chat=first, snapshots=snapshot_with(chain)).start()
    harness.pipeline.chat["cloud:b"] = second  # type: ignore[index]
    return harness


async def run_chain(
    engines: dict[str, ChatEngine],
    turn: ChatTurn,
    policy: ChainPolicy | None = None,
    breakers: RouteBreakers | None = None,
) -> list[RoutedEvent]:
    routes = [ChatRoute(name, engine) for name, engine in engines.items()]
    stream = ModelChain(breakers or RouteBreakers()).stream(
        routes, policy or ChainPolicy(), turn, lambda route, part: events_of(route.engine, part)
    )
    return [event async for event in stream]


async def events_of(engine: ChatEngine, turn: ChatTurn) -> AsyncIterator[ChatEvent]:  # type: ignore[misc]
    async for event in engine.stream(turn):
        yield event


def text_of(events: list[RoutedEvent]) -> str:
    return joined_text([each.event for each in events])


async def test_failed_model_is_not_noticed_before_first_token() -> None:
    harness = await assistant_with(await echo(fail_after_words=0), await echo())
    events = await harness.events(user_turn(ANSWER, route=CHAIN))
    assert joined_text(events) == ANSWER
    assert isinstance(events[-1], TurnFinished)
    assert events[-1].route == "cloud:b"


@given(st.integers(0, 40), st.lists(st.sampled_from(["one", "one", "two,", "Three.", "что", "-", "и"]), max_size=40))
@settings(max_examples=1_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_cut_answer_loses_and_repeats_no_word(cut: int, words: list[str]) -> None:
    answer = " ".join(["Well", *words])

    async def run() -> None:
        engines = {"a": await echo(fail_after_words=cut), "b": await echo()}
        events = await run_chain(engines, user_turn(answer))
        assert text_of(events) == answer

    asyncio.run(run())


async def test_cut_spoken_answer_goes_on() -> None:
    harness = await assistant_with(await echo(fail_after_words=4), await echo())
    events = await harness.events(user_turn(ANSWER, route=CHAIN, speak=True))
    assert joined_text(events) == ANSWER
    assert isinstance(events[-1], TurnFinished)
    assert any(isinstance(event, SpeechReady) for event in events)


async def test_cut_answer_fails_visibly_if_chain_says_so() -> None:
    harness = await assistant_with(await echo(fail_after_words=4), await echo(), continue_cut_answers=False)
    events = await harness.events(user_turn(ANSWER, route=CHAIN))
    assert joined_text(events) == "One two three, four "
    assert isinstance(events[-1], TurnFailed)


async def test_cut_json_and_tool_calls_are_not_continued() -> None:
    cut = await echo(fail_after_words=1)
    json = replace(user_turn("a b c"), options=GenerationOptions(json_schema="{}"))
    tools = user_turn("call it", tools=ToolUse((Tool("go"), Tool("stop")), "required"))
    calling = await echo(fail_after_words=1, tool_script={"call it": [{"name": "go"}, {"name": "stop"}]})
    for first, turn in ((cut, json), (calling, tools)):
        with pytest.raises(EngineFailed):
            await run_chain({"a": first, "b": await echo()}, turn)


async def test_continuation_gets_rest_of_token_budget() -> None:
    second = LanguageEcho()
    await second.start()
    turn = user_turn(ANSWER, options=GenerationOptions(max_tokens=100))
    await run_chain({"a": await echo(fail_after_words=4), "b": second}, turn)
    (rest,) = second.turns
    assert rest.answer_prefix == "One two three, four "
    assert rest.options.max_tokens is not None
    assert 50 < rest.options.max_tokens < 100


async def test_silent_model_is_left_after_step_timeout_or_hedge() -> None:
    for policy in (ChainPolicy(step_timeout_s=0.1), ChainPolicy(hedge_after_ms=50)):
        silent = Silent()
        await silent.start()
        events = await run_chain({"a": silent, "b": await echo()}, user_turn(ANSWER), policy)
        assert text_of(events) == ANSWER
        assert silent.closed.is_set()


async def test_wrong_request_is_not_passed_on() -> None:
    second = LanguageEcho()
    await second.start()
    with pytest.raises(InvalidRequest):
        await run_chain({"a": await echo(), "b": second}, user_turn("x", options=GenerationOptions(max_tokens=0)))
    assert second.turns == []


async def test_error_names_every_failed_model() -> None:
    engines = {"a": await echo(fail_after_words=0), "b": await echo(fail_after_words=0)}
    with pytest.raises(Unavailable, match=r"a: .*; b: "):
        await run_chain(engines, user_turn(ANSWER))


async def test_failing_model_is_probed_once_after_cooldown() -> None:
    now = 0.0
    breakers = RouteBreakers(lambda: now, cooldown_s=30)
    engines: dict[str, ChatEngine] = {"a": await echo(fail_after_words=0), "b": await echo()}
    routes = [ChatRoute(name, engine) for name, engine in engines.items()]

    def order() -> str:
        return "".join(route.name for route in breakers.order(routes))

    for _ in range(2):
        assert order() == "ab"
        await run_chain(engines, user_turn(ANSWER), breakers=breakers)
    assert order() == "ba"
    now = 31.0
    assert order() == "ab"
    assert order() == "ba"
    breakers.succeeded("a")
    assert order() == "ab"


async def test_chain_answers_in_language_of_question() -> None:
    english, russian = LanguageEcho("en"), LanguageEcho("ru")
    await russian.start()
    harness = await assistant_with(english, russian)
    events = await harness.events(user_turn("Расскажи сказку про лису", route=CHAIN))
    assert isinstance(events[-1], TurnFinished)
    assert events[-1].route == "cloud:b"
    assert english.turns == []


def test_chain_contains_each_route_once_and_disabled_chains_not() -> None:
    inner = RouteChain(name="inner", routes=("local", "cloud:b"))
    off = RouteChain(name="off", routes=("cloud:a",), enabled=False)
    source = snapshot_with(RouteChain(name="work", routes=("chain:inner", "chain:off", "local", "cloud:a")), inner, off)
    assert expand_route("chain:work", source.current) == ("local", "cloud:b", "cloud:a")
    assert expand_route("chain:off", source.current) == ()
    with pytest.raises(ModelNotFound, match="chain:work"):
        routes_of_turn(user_turn("x", route=Route.parse("chain:off")), source.current, {})
