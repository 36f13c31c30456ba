"""The engines of a process follow the snapshot, through the whole turn pipeline."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from deployments.api.limits import ApiKeyLimiter
from deployments.api.models.model_names import ModelNames
from deployments.cloud_engines import CloudEngines, Spending
from deployments.contracts.api_key import ApiKey, KeyLimits
from deployments.contracts.chat import ChatTurn, Route, SourceKind
from deployments.contracts.errors import ModelNotFound, SecretaryError
from deployments.contracts.events import TextDelta, TurnEvent, TurnFinished
from deployments.contracts.provider_errors import BudgetUsed, ProxiesFailed
from deployments.contracts.providers import ProviderSpec
from deployments.contracts.reports import KeyUsage, ReportAcknowledgement
from deployments.contracts.sampling import Sampling
from deployments.contracts.settings import OutboundSettings, Settings
from deployments.contracts.snapshot import Snapshot
from deployments.conversation.assistant import ConversationAssistant
from deployments.conversation.faq_answers import ExactAnswers
from deployments.conversation.metered_assistant import MeteredAssistant
from deployments.conversation.usage_tracker import UsageTracker
from deployments.wiring import Engines, build_turn_pipeline
from tests.servers.cloud_provider import CloudProviderServer, Script, cloud_provider
from tests.unit.cloud.engines import question
from tests.unit.conversation.harness import RecordingTurnObserver, StaticSnapshotSource


class CloudDoor:
    """A door without an office: the snapshot is set by the test. One word of the model costs a dollar."""

    def __init__(self, server: CloudProviderServer) -> None:
        self.server = server
        self.snapshots = StaticSnapshotSource(Snapshot())
        self.clouds = CloudEngines(lambda sealed: sealed.removeprefix("sealed-"), self._spent)
        self.usage = UsageTracker(lambda: 1_800_000_000.0, self.clouds.estimate_cost)
        pipeline = build_turn_pipeline(
            Engines({}, (), None, None),
            ExactAnswers(lambda: datetime.now(UTC)),
            self.snapshots,
            clouds=lambda: self.clouds.engines,
        )
        self.observer = RecordingTurnObserver()
        assistant = ConversationAssistant(pipeline, self.snapshots, self.observer)
        self.assistant = MeteredAssistant(assistant, self.usage, SourceKind.API, key_id=5)

    def provider(self, id: str = "mine", **fields: object) -> ProviderSpec:
        spec = ProviderSpec(
            id=id,
            name=f"Provider {id}",
            provider_type="custom",
            base_url=self.server.base_url,
            model_name="some-model",
            sealed_api_key="sealed-key-one",
            key_origin=f"http://127.0.0.1:{self.server.port}",
            input_price=0,
            output_price=1_000_000,
        )
        return spec.model_copy(update=fields)

    def configure(self, *providers: ProviderSpec, default_route: str = "local") -> None:
        settings = Settings(default_route=default_route, outbound=OutboundSettings(allowed_hosts=("127.0.0.1",)))
        revision = self.snapshots.current.revision + 1
        self.snapshots.current = Snapshot(revision=revision, settings=settings, providers=providers)
        self.clouds.follow(self.snapshots.current)

    async def answer(self, route: str | None, text: str = "one two three") -> str:
        turn = replace(question(text), route=Route.parse(route))
        events = [event async for event in self.assistant.reply(turn)]
        return "".join(event.text for event in events if isinstance(event, TextDelta))

    def _spent(self, route: str) -> Spending:
        return Spending(self.usage.used_today(route).cost, self.usage.seconds_to_midnight())


@pytest.fixture
async def door() -> AsyncIterator[CloudDoor]:
    async with cloud_provider("openai") as server:
        door = CloudDoor(server)
        yield door
        await door.clouds.close()


async def test_provider_appears_changes_and_disappears(door: CloudDoor) -> None:
    with pytest.raises(ModelNotFound):
        await door.answer("cloud:mine")
    door.configure(door.provider())
    assert await door.answer("cloud:mine") == "one two three"
    assert door.server.last.headers["authorization"] == "Bearer key-one"
    connections = door.server.connections
    await door.answer("cloud:mine")
    assert door.server.connections == connections
    door.configure(door.provider(sealed_api_key="sealed-key-two", model_name="other", params=Sampling(top_p=0.5)))
    await door.answer("cloud:mine")
    assert door.server.last.headers["authorization"] == "Bearer key-two"
    assert (door.server.last.body["model"], door.server.last.body["top_p"]) == ("other", 0.5)
    for providers in ([door.provider(enabled=False)], []):
        door.configure(*providers)
        with pytest.raises(ModelNotFound):
            await door.answer("cloud:mine")


async def test_running_answer_survives_the_removal_of_its_provider(door: CloudDoor) -> None:
    door.configure(door.provider())
    door.server.script = Script(answer="a b c d e", gap_s=0.01)
    turn = replace(question(), route=Route.parse("cloud:mine"))
    events = door.assistant.reply(turn)
    started = [await anext(events), await anext(events)]
    door.configure()
    text = "".join([e.text for e in started if isinstance(e, TextDelta)])
    async for event in events:
        text += event.text if isinstance(event, TextDelta) else ""
    assert text == "a b c d e"
    async with asyncio.timeout(5):
        await asyncio.gather(*door.clouds._tasks)
    assert door.clouds.engines == {}


async def test_default_route_and_gemini_alias(door: CloudDoor) -> None:
    door.configure(door.provider(), default_route="cloud:mine")
    assert await door.answer(None) == "one two three"
    gemini = {"provider_type": "gemini", "input_price": None, "output_price": None}
    async with cloud_provider("gemini") as server:
        near = {**gemini, "base_url": server.base_url, "key_origin": f"http://127.0.0.1:{server.port}"}
        first = door.provider("a", **near, model_name="gemini-2.5-flash")
        default = door.provider("b", **near, model_name="gemini-2.5-pro", is_default=True)
        door.configure(first, default)
        await door.answer("gemini")
        assert "gemini-2.5-pro" in server.last.path
        assert door.usage.take_unreported()[-1].route == "cloud:b"
        door.configure(first)
        await door.answer("gemini")
        assert "gemini-2.5-flash" in server.last.path


async def test_models_of_enabled_providers_are_listed(door: CloudDoor) -> None:
    names = ModelNames(door.assistant, door.snapshots, lambda: 0.0)
    door.configure(door.provider("on"), door.provider("off", enabled=False), door.provider("g", provider_type="gemini"))
    listed = [card.id for card in await names.cards()]
    assert {"cloud:on", "cloud:g", "gemini"} <= set(listed)
    assert "cloud:off" not in listed


async def test_budget_of_a_provider_stops_it_until_midnight(door: CloudDoor) -> None:
    door.configure(door.provider(budget_per_day=3), door.provider("other"))
    await door.answer("cloud:mine", "one two")
    await door.answer("cloud:mine", "one two")
    assert door.usage.used_today("cloud:mine").cost == pytest.approx(4)
    with pytest.raises(BudgetUsed, match="3 US dollars") as caught:
        await door.answer("cloud:mine")
    assert (caught.value.status, caught.value.retry_after_s) == (429, door.usage.seconds_to_midnight())
    assert await door.answer("cloud:other") == "one two three"


async def test_budget_counts_other_doors(door: CloudDoor) -> None:
    door.configure(door.provider(budget_per_day=3))
    day = door.usage.take_unreported() or datetime.fromtimestamp(1_800_000_000, UTC).strftime("%Y-%m-%d")
    door.usage.acknowledge(ReportAcknowledgement(day=str(day), routes={"cloud:mine": KeyUsage(cost=3)}))
    with pytest.raises(BudgetUsed):
        await door.answer("cloud:mine")


async def test_budget_of_a_key(door: CloudDoor) -> None:
    door.configure(door.provider())
    await door.answer("cloud:mine", "one two")
    limiter = ApiKeyLimiter(lambda: 1_800_000_000.0, door.usage)
    key = ApiKey(id=5, name="k", prefix="sk", digest="0" * 64, limits=KeyLimits(cost_per_day=2))
    with pytest.raises(BudgetUsed, match="cost_per_day"):
        limiter.check_daily_budget(key, "chat")
    limiter.check_daily_budget(key.model_copy(update={"limits": KeyLimits(cost_per_day=2.5)}), "chat")


async def test_cancelled_answer_is_paid(door: CloudDoor) -> None:
    door.configure(door.provider(input_price=1_000_000))
    door.server.script = Script(answer="one two three four", gap_s=0.01)
    events = door.assistant.reply(replace(question(), route=Route.parse("cloud:mine")))
    async for event in events:
        if isinstance(event, TextDelta):
            break
    await events.aclose()  # type: ignore[attr-defined]
    (count,) = door.usage.take_unreported()
    assert count.route == "cloud:mine"
    assert count.cost >= count.prompt_tokens + count.completion_tokens > 0


async def test_provider_with_proxies_is_never_called_directly(door: CloudDoor) -> None:
    door.configure(door.provider(sealed_proxies="sealed-vless"))
    with pytest.raises(ProxiesFailed, match="cannot be read"):
        await door.answer("cloud:mine")
    assert door.server.requests == []


async def test_key_is_not_sent_to_another_origin(door: CloudDoor) -> None:
    door.configure(door.provider(key_origin="https://api.example.org"))
    with pytest.raises(SecretaryError, match="not sent"):
        await door.answer("cloud:mine")
    assert door.server.requests == []


async def test_session_of_a_turn_records_its_cost(door: CloudDoor) -> None:
    door.configure(door.provider())
    turn: ChatTurn = replace(question("one two"), route=Route.parse("cloud:mine"), session_id="s1")
    events: list[TurnEvent] = [event async for event in door.assistant.reply(turn)]
    assert isinstance(events[-1], TurnFinished)
    (exchange,) = door.observer.exchanges
    assert (exchange.route, exchange.cost) == ("cloud:mine", pytest.approx(2))
