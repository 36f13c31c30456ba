"""Produces the text of an answer: an FAQ answer, else the stream of a language model that speaks the language of the
question, else the fallback answer of the persona."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from deployments.contracts.chat import ChatTurn, FinishReason, Route, SourceKind
from deployments.contracts.engines import ChatEvent
from deployments.contracts.errors import ConversationTooLong, Unavailable
from deployments.contracts.events import (
    FALLBACK_ROUTE,
    AnswerMatch,
    AnswerMatched,
    FallbackGiven,
    TextDelta,
    ToolCallDelta,
    TurnEvent,
    TurnFinished,
    Usage,
)
from deployments.contracts.providers import ChainPolicy
from deployments.contracts.reports import TurnObserver
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.streams import Closing, ReadAhead, close_stream
from deployments.conversation.fallback_answers import find_fallback_answer
from deployments.conversation.faq_answers import FaqLookup
from deployments.conversation.language_gaps import no_model_error
from deployments.conversation.model_chain import ModelChain, RoutedEvent
from deployments.conversation.model_choice import (
    ChatRoute,
    TurnRoutes,
    language_of_question,
    prompt_language,
    readable_messages,
)
from deployments.conversation.observers import observe_stream
from deployments.conversation.prompt import shrinking_prompts
from deployments.conversation.route_breakers import RouteBreakers
from deployments.conversation.turn_timer import TurnTimer


@dataclass(slots=True)
class TurnResult:
    """The facts of a turn, filled in while it runs."""

    route: str = ""
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    finish_reason: FinishReason = "stop"
    match: AnswerMatch | None = None
    fallback: FallbackGiven | None = None
    text: list[str] = field(default_factory=list)
    calls_tools: bool = False
    audio_seconds: float = 0.0
    finished: bool = False
    error: str = ""
    """The code of an error on the side of the server."""


class AnswerResolver:
    """Tries exact FAQ answers, then ranked ones, then a model, on every route. A question in a language that none of
    the models speaks gets the fallback answer of the persona."""

    def __init__(self, faq: FaqLookup, observer: TurnObserver, now: Callable[[], datetime]) -> None:
        self._faq = faq
        self._observer = observer
        self._now = now
        self._breakers = RouteBreakers()
        self._chain = ModelChain(self._breakers)

    def failing_routes(self) -> frozenset[str]:
        """The routes whose breaker is open."""
        return self._breakers.open_routes()

    async def resolve(
        self,
        turn: ChatTurn,
        snapshot: Snapshot,
        routes: TurnRoutes,
        timer: TurnTimer,
        result: TurnResult,
    ) -> AsyncGenerator[TurnEvent]:
        """The events of the answer. Fills in ``result``. Without an FAQ answer it raises Unavailable when there is no
        model, and NoModelForLanguage when none speaks the language of a question that asks for JSON or a tool
        call."""
        match = self._faq.find_exact(turn)
        if match is None:
            speaking = routes.speaking(language_of_question(turn, snapshot))
            draft = self._draft(turn, snapshot, speaking, routes.policy) if speaking else None
            try:
                match = await self._faq.find_ranked(turn)
                if match is None and draft:
                    timer.route = result.route = speaking[0].name
                    timer.mark("faq")
                    async for routed in draft:
                        timer.route = result.route = routed.route.name
                        if delta := self._read(routed.event, timer, result):
                            yield delta
            finally:
                if draft is not None:
                    await close_stream(draft)
            if match is None and not speaking:
                for event in _fallback_events(turn, snapshot, routes, timer, result):
                    yield event
        if match is not None:
            for event in _faq_events(match, timer, result):
                yield event

    def _read(self, event: ChatEvent, timer: TurnTimer, result: TurnResult) -> TextDelta | ToolCallDelta | None:
        """Records an event of the model. Returns it if it is a part of the answer."""
        if isinstance(event, TurnFinished):
            result.usage, result.model = event.usage, event.model
            called = result.calls_tools and event.finish_reason == "stop"
            result.finish_reason = "tool_calls" if called else event.finish_reason
            self._observer.on_tokens(result.usage.prompt_tokens, result.usage.completion_tokens, timer.route)
            return None
        timer.mark("first_token")
        if isinstance(event, TextDelta):
            result.text.append(event.text)
        else:
            result.calls_tools = True
        return event

    def _draft(
        self, turn: ChatTurn, snapshot: Snapshot, routes: Sequence[ChatRoute], policy: ChainPolicy
    ) -> AsyncIterator[RoutedEvent]:
        """The answer of a model. The local model starts while the ranked lookup runs, which saves its latency in most
        turns and costs little when an FAQ answer is found. A cloud model waits, because it costs money."""
        events = self._chain.stream(routes, policy, turn, lambda route, part: self._model_events(part, snapshot, route))
        only_local = len(routes) == 1 and routes[0].is_local
        return ReadAhead(events, depth=1) if only_local and self._faq.has_ranking else events

    async def _model_events(self, turn: ChatTurn, snapshot: Snapshot, route: ChatRoute) -> AsyncGenerator[ChatEvent]:
        """Streams the model, which gets the part of the history that it can read. When the conversation exceeds the
        context of the model, it retries with half of the history.

        Turns of the API are not retried: their caller chose the messages and gets ConversationTooLong.
        """
        language = prompt_language(turn, snapshot, route)
        preferred = turn.locale or snapshot.settings.default_language
        messages = readable_messages(turn.messages, route, preferred)
        turn = replace(turn, messages=messages, route=Route.parse(route.name))
        prompts = shrinking_prompts(turn, snapshot, language, self._now)
        if turn.source.kind is SourceKind.API:
            prompts = islice(prompts, 1)
        too_long: ConversationTooLong | None = None
        for prompt in prompts:
            try:
                async with Closing(observe_stream(route.engine.stream(prompt), "llm", self._observer)) as events:
                    async for event in events:
                        yield event
                return
            except ConversationTooLong as error:
                too_long = error
        if too_long is not None:
            raise too_long


def _faq_events(match: AnswerMatch, timer: TurnTimer, result: TurnResult) -> Iterator[TurnEvent]:
    timer.route = result.route = f"faq:{match.entry_id}"
    result.match = match
    result.text.append(match.text)
    timer.mark("faq")
    yield AnswerMatched(match)
    timer.mark("first_token")
    yield TextDelta(match.text)


def _fallback_events(
    turn: ChatTurn, snapshot: Snapshot, routes: TurnRoutes, timer: TurnTimer, result: TurnResult
) -> Iterator[TurnEvent]:
    """Raises Unavailable without a model, NoModelForLanguage for a turn that asks for JSON or a tool call."""
    if not routes.routes:
        raise Unavailable(
            f"no FAQ answer matches, and no language model of this graph answers on {routes.name!r}", retry_after_s=60
        )
    language = language_of_question(turn, snapshot)
    if turn.requires_structure:
        raise no_model_error(language)
    answer = find_fallback_answer(snapshot.persona(turn.persona_id), language, snapshot.settings.default_language)
    timer.route = result.route = FALLBACK_ROUTE
    result.fallback = FallbackGiven(language, answer.language)
    result.text.append(answer.text)
    timer.mark("faq")
    yield result.fallback
    timer.mark("first_token")
    yield TextDelta(answer.text)
