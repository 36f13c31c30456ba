"""Several local models side by side, and their adapters."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from deployments.contracts.chat import ChatTurn, Route
from deployments.contracts.errors import ModelNotFound, SecretaryError, Unavailable
from deployments.contracts.events import TurnFinished
from deployments.contracts.providers import RouteChain
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import EngineStatus
from deployments.conversation.assistant import ConversationAssistant
from deployments.conversation.faq_answers import ExactAnswers
from deployments.conversation.language_gaps import find_language_gaps
from deployments.wiring import Engines, build_turn_pipeline
from tests.unit.conversation.fakes import LanguageEcho
from tests.unit.conversation.harness import SNAPSHOT, RecordingTurnObserver, StaticSnapshotSource, user_turn


class AdapterEcho(LanguageEcho):
    """An echo engine called ``name`` that lists ``adapters`` and records its turns."""

    def __init__(self, name: str, *adapters: str, ready: bool = True) -> None:
        super().__init__(adapters=adapters)
        self._own = {"name": name, "ready": ready, "error": "" if ready else "loading"}

    def status(self) -> EngineStatus:
        return replace(super().status(), **self._own)  # type: ignore[arg-type]


class Door:
    """An assistant over three local models: chat, second (adapters ada and bob), and late, which is loading."""

    def __init__(self, snapshot: Snapshot = SNAPSHOT) -> None:
        self.engines = {
            "chat": AdapterEcho("chat"),
            "second": AdapterEcho("second", "ada", "bob"),
            "late": AdapterEcho("late", ready=False),
        }
        source = StaticSnapshotSource(snapshot)
        exact = ExactAnswers(lambda: datetime.now(UTC))
        exact.prepare(snapshot)
        pipeline = build_turn_pipeline(Engines(self.engines, (), None, None), exact, source)
        self.assistant = ConversationAssistant(pipeline, source, RecordingTurnObserver())

    async def answer(self, turn: ChatTurn) -> tuple[str, str, str]:
        """The route of the answer, the name of the model that answered and the adapter that it was asked for."""
        for engine in self.engines.values():
            await engine.start()
        finished = [event async for event in self.assistant.reply(turn)][-1]
        assert isinstance(finished, TurnFinished)
        name, engine = next((name, engine) for name, engine in self.engines.items() if engine.turns)
        asked = engine.turns[-1].route
        return finished.route, name, asked.adapter if asked else "no route"


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (None, ("local", "chat", "")),
        ("local", ("local", "chat", "")),
        ("vllm", ("local", "chat", "")),
        ("local:chat", ("local", "chat", "")),
        ("local:second", ("local:second", "second", "")),
        ("local:second:bob", ("local:second:bob", "second", "bob")),
        ("chain:mixed", ("local:second:ada", "second", "ada")),
    ],
)
async def test_route_names_local_model_and_adapter(asked: str | None, answered: tuple[str, str, str]) -> None:
    chain = RouteChain(name="mixed", routes=("local:second:gone", "local:gone", "local:second:ada", "local"))
    door = Door(SNAPSHOT.model_copy(update={"chains": (chain,)}))
    assert await door.answer(user_turn("Hello", route=Route.parse(asked))) == answered


async def test_default_route_may_be_any_local_model() -> None:
    settings = SNAPSHOT.settings.model_copy(update={"default_route": "local:second:ada"})
    door = Door(SNAPSHOT.model_copy(update={"settings": settings}))
    assert await door.answer(user_turn("Hello")) == ("local:second:ada", "second", "ada")


async def test_persona_may_choose_adapter_and_lose_it() -> None:
    """Without the model of its persona a door still gives FAQ answers."""
    for route in ("local:second:bob", "local:gone"):
        personas = tuple(each.model_copy(update={"route": route}) for each in SNAPSHOT.personas)
        door = Door(SNAPSHOT.model_copy(update={"personas": personas}))
        if route == "local:gone":
            assert [each async for each in door.assistant.reply(user_turn("Часы работы"))][-1].route == "faq:7"  # type: ignore[union-attr]
            with pytest.raises(Unavailable, match="no language model of this graph answers on 'local:gone'"):
                await door.answer(user_turn("Hello"))
        else:
            assert await door.answer(user_turn("Hello")) == (route, "second", "bob")


@pytest.mark.parametrize(
    ("asked", "kind", "message"),
    [
        ("local:third", ModelNotFound, "routes here: local, local:second, local:late"),
        ("local:second:carl", ModelNotFound, "second has no adapter 'carl'; those that it has: second:ada, second:bob"),
        ("local::carl", ModelNotFound, "chat has no adapter 'carl'; those that it has: none"),
        ("local:late:ada", Unavailable, "late is not ready: loading"),
    ],
)
async def test_unknown_local_model_or_adapter_names_known(asked: str, kind: type[SecretaryError], message: str) -> None:
    with pytest.raises(kind, match=message):
        await Door().answer(user_turn("Hello", route=Route.parse(asked)))


def test_language_gaps_are_those_of_the_default_model() -> None:
    statuses = [
        EngineStatus(name, "chat", "echo", ready=True, languages=languages)
        for name, languages in (("chat", ("en",)), ("second", ("ru", "en")))
    ]
    for route, missing in (("local", ["ru"]), ("local:chat", ["ru"]), ("local:second", []), ("local:second:ada", [])):
        settings = SNAPSHOT.settings.model_copy(update={"default_route": route})
        gaps = find_language_gaps(SNAPSHOT.model_copy(update={"settings": settings}), statuses)
        assert [gap.language for gap in gaps] == missing, route
