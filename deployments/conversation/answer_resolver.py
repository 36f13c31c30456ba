"""Where the words of an answer come from: a prepared answer, else a model that may have had a head start."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from itertools import islice

from deployments.contracts.chat import LOCAL_ROUTE, ChatTurn, FinishReason, Route, SourceKind
from deployments.contracts.engines import AnswerBook, ChatEngine, ChatEvent
from deployments.contracts.errors import ConversationTooLong, SecretaryError, Unavailable
from deployments.contracts.events import AnswerMatch, AnswerMatched, TextDelta, TurnEvent, Usage
from deployments.contracts.reports import TurnObserver
from deployments.contracts.settings import Snapshot
from deployments.contracts.streams import Closing
from deployments.conversation.faq_answers import ExactAnswers
from deployments.conversation.observers import observe_stream
from deployments.conversation.prefetch import EagerStream, LazyStream
from deployments.conversation.prompt import shrinking_prompts
from deployments.conversation.turn_timer import TurnTimer
from deployments.text.language import detect_language

log = logging.getLogger(__name__)

_RANKED_TIMEOUT_S = 1.0


@dataclass(slots=True)
class TurnResult:
    """What is known of a turn so far."""

    route: str = ""
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    finish_reason: FinishReason = "stop"
    match: AnswerMatch | None = None
    text: list[str] = field(default_factory=list)
    audio_seconds: float = 0.0
    finished: bool = False


class AnswerResolver:
    """Exact answers, then similar ones, then the model: every route and every override goes this way, but for requests
    that want JSON: only a model writes that."""

    def __init__(self, exact: ExactAnswers, ranked: AnswerBook | None, observer: TurnObserver) -> None:
        self._exact = exact
        self._ranked_book = ranked
        self._observer = observer

    async def resolve(
        self, turn: ChatTurn, snapshot: Snapshot, engine: ChatEngine | None, timer: TurnTimer, result: TurnResult
    ) -> AsyncGenerator[TurnEvent]:
        match = self._exact.lookup(turn.question, turn.locale) if _takes_prose(turn) else None
        if match is not None:
            for event in _prepared(match, timer, result):
                yield event
            return
        if engine is None:
            async for event in self._without_model(turn, timer, result):
                yield event
            return
        draft = self._draft(turn, snapshot, engine)
        try:
            match = await self._ranked(turn)
            if match is not None:
                for event in _prepared(match, timer, result):
                    yield event
                return
            timer.route = result.route = str(turn.route or snapshot.settings.default_route)
            timer.mark("faq")
            async for event in draft.items():
                if isinstance(event, TextDelta):
                    timer.mark("first_token")
                    result.text.append(event.text)
                    yield event
                else:
                    result.usage, result.finish_reason = event.usage, event.finish_reason
                    result.model = event.model
            self._observer.tokens(result.usage.prompt_tokens, result.usage.completion_tokens, timer.route)
        finally:
            await draft.aclose()

    async def _without_model(self, turn: ChatTurn, clock: TurnTimer, outcome: TurnResult) -> AsyncGenerator[TurnEvent]:
        match = await self._ranked(turn)
        if match is None:
            raise Unavailable("no prepared answer fits, and this graph has no language model", retry_after_s=60)
        for event in _prepared(match, clock, outcome):
            yield event

    def _draft(
        self, turn: ChatTurn, snapshot: Snapshot, engine: ChatEngine
    ) -> EagerStream[ChatEvent] | LazyStream[ChatEvent]:
        """The model's answer. A model of this machine begins while similar questions are still being looked up: a
        wrong start costs it a few milliseconds and saves every other turn a hop. A paid one waits."""
        language = turn.locale or detect_language(turn.question, snapshot.settings.default_language)
        events = self._fitting(turn, snapshot, engine, language)
        route = turn.route or Route.parse(snapshot.settings.default_route) or LOCAL_ROUTE
        return EagerStream(events) if route == LOCAL_ROUTE and self._ranked_book else LazyStream(events)

    async def _fitting(
        self, turn: ChatTurn, snapshot: Snapshot, engine: ChatEngine, language: str
    ) -> AsyncGenerator[ChatEvent]:
        """The model's answer. A conversation that the house remembers and that has outgrown the model's context is
        asked again with ever less of its history; a caller of the API, who sends the messages himself, is told."""
        prompts = shrinking_prompts(turn, snapshot, language)
        if turn.source.kind is SourceKind.API:
            prompts = islice(prompts, 1)
        refused: ConversationTooLong | None = None
        for prompt in prompts:
            try:
                async with Closing(observe_stream(engine.stream(prompt), "llm", self._observer)) as events:
                    async for event in events:
                        yield event
                return
            except ConversationTooLong as error:
                refused = error
        if refused is not None:
            raise refused

    async def _ranked(self, turn: ChatTurn) -> AnswerMatch | None:
        """A similar question's answer; a slow or broken ranking never costs the caller the answer."""
        if self._ranked_book is None or not _takes_prose(turn):
            return None
        try:
            async with asyncio.timeout(_RANKED_TIMEOUT_S):
                return await self._ranked_book.lookup(turn.question, turn.locale)
        except (SecretaryError, TimeoutError) as error:
            log.warning("turn %s goes on without ranked answers: %s", turn.turn_id, type(error).__name__)
            return None


def _takes_prose(turn: ChatTurn) -> bool:
    """Whoever asked for JSON reads it with a program: a prepared answer would break it."""
    return turn.options.json_schema is None


def _prepared(match: AnswerMatch, clock: TurnTimer, outcome: TurnResult) -> Iterator[TurnEvent]:
    """The events of a prepared answer."""
    clock.route = outcome.route = f"faq:{match.entry_id}"
    outcome.match = match
    outcome.text.append(match.text)
    clock.mark("faq")
    yield AnswerMatched(match)
    clock.mark("first_token")
    yield TextDelta(match.text)
