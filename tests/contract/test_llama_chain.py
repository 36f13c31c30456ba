"""Two llama.cpp engines in a chain: the second one continues an answer of the first word for word."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from deployments.contracts.chat import ChatTurn, GenerationOptions, Route
from deployments.contracts.engines import ChatEvent
from deployments.contracts.errors import EngineFailed
from deployments.contracts.events import TextDelta, TurnFinished
from deployments.contracts.providers import RouteChain
from deployments.contracts.speech import EngineStatus
from deployments.conversation.assistant import ConversationAssistant
from deployments.conversation.faq_answers import ExactAnswers
from deployments.engines.chat.llama_cpp import LlamaCppEngine, LlamaCppOptions
from deployments.wiring import Engines, build_turn_pipeline
from tests.contract.engine_options import LLAMA_MODEL, demo_model_path
from tests.unit.conversation.harness import (
    SNAPSHOT,
    RecordingTurnObserver,
    StaticSnapshotSource,
    user_turn,
)

pytestmark = [pytest.mark.model, pytest.mark.asyncio(loop_scope="module")]


class CutEngine:
    """An engine that fails after ``texts`` pieces of text."""

    def __init__(self, engine: LlamaCppEngine) -> None:
        self._engine = engine
        self.texts = 10**6

    async def start(self) -> None:
        await self._engine.start()

    async def stop(self) -> None:
        await self._engine.stop()

    def status(self) -> EngineStatus:
        return self._engine.status()

    async def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:  # type: ignore[misc]
        left = self.texts
        async for event in self._engine.stream(turn):
            if isinstance(event, TextDelta):
                left -= 1
            if left < 0:
                raise EngineFailed("cut")
            yield event


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engines() -> AsyncIterator[tuple[CutEngine, CutEngine]]:
    options = LlamaCppOptions(model=demo_model_path(LLAMA_MODEL), threads=1, context=512, slots=1)
    first, second = CutEngine(LlamaCppEngine(options)), CutEngine(LlamaCppEngine(options))
    for engine in (first, second):
        await engine.start()
    yield first, second
    for engine in (first, second):
        await engine.stop()


async def answer(
    first: CutEngine, second: CutEngine, route: str, question: str = "What is the sea?", max_tokens: int = 40
) -> tuple[list[str], str]:
    """The pieces of an answer, and the route that finished it."""
    chain = RouteChain(name="pair", routes=("local", "local:second"))
    source = StaticSnapshotSource(SNAPSHOT.model_copy(update={"chains": (chain,)}))
    chats = {"first": first, "second": second}
    pipeline = build_turn_pipeline(Engines(chats, (), None, None), ExactAnswers(lambda: datetime.now(UTC)), source)
    assistant = ConversationAssistant(pipeline, source, RecordingTurnObserver())
    options = GenerationOptions(max_tokens=max_tokens, temperature=0.0)
    turn = user_turn(question, route=Route.parse(route), options=options)
    events = [event async for event in assistant.reply(turn)]
    assert isinstance(events[-1], TurnFinished)
    return [event.text for event in events if isinstance(event, TextDelta)], events[-1].route


async def test_cut_answer_of_llama_is_continued_word_for_word(engines: tuple[CutEngine, CutEngine]) -> None:
    """The likeliest tokens: both engines would give the same answer. A continued one may be shorter."""
    first, second = engines
    whole, _ = await answer(first, second, "local:second")
    assert len(whole) > 30
    for cut in (1, 5, 14, 25):
        first.texts = cut
        pieces, route = await answer(first, second, "chain:pair")
        assert route == "local:second"
        assert pieces[:cut] == whole[:cut]
        assert len(pieces) > cut + 2
        assert "".join(whole).startswith("".join(pieces)), cut


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_thousand_random_cuts_lose_and_repeat_no_word(engines: tuple[CutEngine, CutEngine]) -> None:
    """The end may differ by some tokens: the started answer counts for the limit, split into tokens anew."""
    first, second = engines
    choose = random.Random(20_261_201)
    asks = ("What is {}?", "Tell me about {}.", "Why do people like {}?", "Write a sentence about {}.", "Where is {}?")
    things = ("the sea", "bread", "a cat", "music", "the moon", "rain", "a train", "tea", "snow", "a garden")
    for question in (ask.format(thing) for ask in asks for thing in things):
        whole, _ = await answer(first, second, "local:second", question, max_tokens=16)
        for cut in choose.choices(range(1, len(whole)), k=20):
            first.texts = cut
            pieces, route = await answer(first, second, "chain:pair", question, max_tokens=16)
            assert route == "local:second"
            assert pieces[:cut] == whole[:cut]
            assert len(pieces) > cut, (question, cut)
            ends = sorted(("".join(whole), "".join(pieces)), key=len)
            assert ends[1].startswith(ends[0]), (question, cut)
