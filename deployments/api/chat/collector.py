"""Collects the metadata of an answer: source, usage, timings and FAQ match, for the body and the headers."""

from collections.abc import AsyncIterator

from deployments.api.errors import Header, from_turn_failed
from deployments.contracts.errors import EngineFailed
from deployments.contracts.events import (
    FALLBACK_ROUTE,
    AnswerMatch,
    AnswerMatched,
    FallbackGiven,
    SpeechReady,
    TextDelta,
    Timings,
    ToolCallDelta,
    TurnEvent,
    TurnFailed,
    TurnFinished,
    TurnStarted,
    Usage,
)

AnswerEvent = TextDelta | ToolCallDelta | SpeechReady | TurnFinished


class AnswerCollector:
    """Records metadata events of a turn and returns the events to deliver."""

    __slots__ = ("fallback", "finished", "match", "revision", "turn_id")

    def __init__(self, turn_id: str, revision: int) -> None:
        self.turn_id = turn_id
        self.revision = revision
        self.match: AnswerMatch | None = None
        self.fallback: FallbackGiven | None = None
        self.finished: TurnFinished | None = None

    def accept(self, event: TurnEvent) -> AnswerEvent | None:
        """Records ``event``. Returns it if it is to be delivered. Raises the error of a TurnFailed."""
        if isinstance(event, TextDelta | ToolCallDelta | SpeechReady):
            return event
        if isinstance(event, TurnFinished):
            self.finished = event
            return event
        if isinstance(event, TurnStarted):
            self.revision = event.revision or self.revision
        elif isinstance(event, AnswerMatched):
            self.match = event.match
        elif isinstance(event, FallbackGiven):
            self.fallback = event
        elif isinstance(event, TurnFailed):
            raise from_turn_failed(event)
        return None

    async def next_event(self, events: AsyncIterator[TurnEvent]) -> AnswerEvent:
        """The next event to deliver. Raises EngineFailed when the stream ends without TurnFinished."""
        async for event in events:
            accepted = self.accept(event)
            if accepted is not None:
                return accepted
        raise EngineFailed("The answer ended before it was complete.")

    @property
    def usage(self) -> Usage:
        return self.finished.usage if self.finished else Usage()

    @property
    def answered_by(self) -> str:
        """faq, fallback, local or cloud:<id>; empty while unknown."""
        if self.match is not None:
            return "faq"
        if self.fallback is not None:
            return FALLBACK_ROUTE
        route = self.finished.route if self.finished else ""
        return "faq" if route.startswith("faq:") else route

    def summary(self) -> dict[str, object]:
        """The ``secretary`` object of a response."""
        return {
            "answered_by": self.answered_by or None,
            "model": (self.finished.model if self.finished else "") or None,
            "faq": _match_fields(self.match),
            "fallback": _fallback_fields(self.fallback),
            "timings": _timing_fields(self.finished.timings) if self.finished else {},
            "revision": self.revision,
            "turn_id": self.turn_id,
        }

    def headers(self) -> list[Header]:
        """Response headers with what is known when the response starts."""
        headers = [(b"x-secretary-turn", self.turn_id.encode())]
        if route := self.answered_by:
            headers.append((b"x-secretary-route", route.encode("ascii", "replace")))
        if match := self.match:
            headers.append((b"x-secretary-faq", f"{match.entry_id};rule={match.rule};score={match.score:g}".encode()))
        if fallback := self.fallback:
            headers.append(
                (b"x-secretary-fallback", f"{fallback.language};question={fallback.question_language}".encode())
            )
        if self.finished is not None:
            headers.append((b"x-secretary-timing", _server_timing(self.finished.timings)))
        return headers


def _match_fields(match: AnswerMatch | None) -> dict[str, object] | None:
    if match is None:
        return None
    return {"entry_id": match.entry_id, "rule": match.rule, "score": match.score, "trigger": match.trigger}


def _fallback_fields(fallback: FallbackGiven | None) -> dict[str, object] | None:
    if fallback is None:
        return None
    return {"language": fallback.language, "question_language": fallback.question_language}


def _timing_fields(timings: Timings) -> dict[str, float]:
    return {f"{stage}_ms": round(value, 3) for stage, value in _stages(timings) if value is not None}


def _server_timing(timings: Timings) -> bytes:
    """In the grammar of the Server-Timing header (W3C Server Timing, 2)."""
    return ", ".join([f"{stage};dur={value:.3f}" for stage, value in _stages(timings) if value is not None]).encode()


def _stages(timings: Timings) -> tuple[tuple[str, float | None], ...]:
    return (
        ("faq", timings.faq_ms),
        ("first_token", timings.first_token_ms),
        ("first_sentence", timings.first_sentence_ms),
        ("first_audio", timings.first_audio_ms),
        ("total", timings.total_ms),
    )
