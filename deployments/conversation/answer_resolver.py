"""Produces the text of an answer: an FAQ answer, else the stream of a language model."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import islice

from deployments.contracts.chat import LOCAL_ROUTE, ChatTurn, FinishReason, Route, SourceKind
from deployments.contracts.engines import ChatEngine, ChatEvent
from deployments.contracts.errors import ConversationTooLong, Unavailable
from deployments.contracts.events import AnswerMatch, AnswerMatched, TextDelta, ToolCallDelta, TurnEvent, Usage
from deployments.contracts.reports import TurnObserver
from deployments.contracts.settings import Snapshot
from deployments.contracts.streams import Closing, ReadAhead, close_stream
from deployments.conversation.faq_answers import FaqLookup
from deployments.conversation.observers import observe_stream
from deployments.conversation.prompt import shrinking_prompts
from deployments.conversation.turn_timer import TurnTimer
from deployments.text.language import detect_language


@dataclass(slots=True)
class TurnResult:
    """The facts of a turn, filled in while it runs."""

    route: str = ""
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    finish_reason: FinishReason = "stop"
    match: AnswerMatch | None = None
    text: list[str] = field(default_factory=list)
    audio_seconds: float = 0.0
    finished: bool = False


class AnswerResolver:
    """Tries exact FAQ answers, then ranked ones, then the model, on every route."""

    def __init__(self, faq: FaqLookup, observer: TurnObserver) -> None:
        self._faq = faq
        self._observer = observer

    async def resolve(
        self, turn: ChatTurn, snapshot: Snapshot, engine: ChatEngine | None, timer: TurnTimer, result: TurnResult
    ) -> AsyncGenerator[TurnEvent]:
        """The events of the answer. Fills in ``result``. Raises Unavailable when there is no FAQ answer and no
        model."""
        match = self._faq.find_exact(turn)
        if match is not None:
            for event in _faq_events(match, timer, result):
                yield event
            return
        draft = self._draft(turn, snapshot, engine) if engine else None
        try:
            match = await self._faq.find_ranked(turn)
            if match is not None:
                for event in _faq_events(match, timer, result):
                    yield event
                return
            if draft is None:
                raise Unavailable("no FAQ answer matches, and this graph has no language model", retry_after_s=60)
            timer.route = result.route = str(turn.route or snapshot.settings.default_route)
            timer.mark("faq")
            async for chat_event in draft:
                if isinstance(chat_event, TextDelta):
                    timer.mark("first_token")
                    result.text.append(chat_event.text)
                    yield chat_event
                elif isinstance(chat_event, ToolCallDelta):
                    timer.mark("first_token")
                    yield chat_event
                else:
                    result.usage, result.finish_reason = chat_event.usage, chat_event.finish_reason
                    result.model = chat_event.model
            self._observer.on_tokens(result.usage.prompt_tokens, result.usage.completion_tokens, timer.route)
        finally:
            if draft is not None:
                await close_stream(draft)

    def _draft(self, turn: ChatTurn, snapshot: Snapshot, engine: ChatEngine) -> AsyncIterator[ChatEvent]:
        """The answer of the model. The local model starts while the ranked lookup runs, which saves its latency in most
        turns and costs little when an FAQ answer is found. A cloud model waits, because it costs money."""
        events = self._model_events(turn, snapshot, engine)
        route = turn.route or Route.parse(snapshot.settings.default_route) or LOCAL_ROUTE
        return ReadAhead(events, depth=1) if route == LOCAL_ROUTE and self._faq.has_ranking else events

    async def _model_events(self, turn: ChatTurn, snapshot: Snapshot, engine: ChatEngine) -> AsyncGenerator[ChatEvent]:
        """Streams the model. When the conversation exceeds the context of the model, it retries with half of the
        history.

        Turns of the API are not retried: their caller chose the messages and gets ConversationTooLong.
        """
        language = turn.locale or detect_language(turn.question, snapshot.settings.default_language)
        prompts = shrinking_prompts(turn, snapshot, language)
        if turn.source.kind is SourceKind.API:
            prompts = islice(prompts, 1)
        too_long: ConversationTooLong | None = None
        for prompt in prompts:
            try:
                async with Closing(observe_stream(engine.stream(prompt), "llm", self._observer)) as events:
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
