"""Collects the events of a turn and formats them as texts. Has no widgets."""

from dataclasses import dataclass
from typing import Literal

from deployments.contracts.events import (
    AnswerMatch,
    AnswerMatched,
    TextDelta,
    Timings,
    TurnEvent,
    TurnFailed,
    TurnFinished,
)
from deployments.contracts.exchange import Exchange
from ui.components.latency_plot import route_text
from ui.error_messages import explain_error_code
from ui.formatting import format_duration, format_number
from ui.translations import Translator


@dataclass
class PanelAnswer:
    """The answer received so far. ``failure`` is set when the turn failed, ``stopped`` when the user stopped it. Both
    keep the text received before."""

    text: str = ""
    match: AnswerMatch | None = None
    finished: TurnFinished | None = None
    failure: TurnFailed | None = None
    stopped: bool = False

    def apply(self, event: TurnEvent) -> None:
        """Adds one event. Audio is ignored."""
        match event:
            case TextDelta(text):
                self.text += text
            case AnswerMatched(found):
                self.match = found
            case TurnFinished():
                self.finished = event
            case TurnFailed():
                self.failure = event


DetailKind = Literal["faq", "model", "time", "stopped"]
_FAQ_PREFIX = "faq:"


@dataclass(frozen=True, slots=True)
class AnswerDetail:
    """One fact about an answer: what gave it, or how long something took."""

    text: str
    kind: DetailKind


_RULE_TEXTS = {"exact": "rule.exact", "keyword": "rule.keyword", "ranked": "rule.ranked", "meaning": "rule.meaning"}


def rule_text(rule: str, t: Translator) -> str:
    key = _RULE_TEXTS.get(rule)
    return t(key) if key else rule


def match_text(match: AnswerMatch, t: Translator) -> str:
    """ "FAQ 12 · exact match · 100 · «hello»" """
    score = format_number(match.score, 0, t)
    return t("chat.from_faq", id=match.entry_id, rule=rule_text(match.rule, t), score=score, trigger=match.trigger)


def origin_text(answer: PanelAnswer, t: Translator) -> str:
    """The source of the answer: the FAQ entry with its match, or the route and the model."""
    if answer.match is not None:
        return match_text(answer.match, t)
    if answer.finished is None:
        return ""
    route = route_text(answer.finished.route, t) if answer.finished.route else ""
    return " · ".join(part for part in (route, answer.finished.model) if part)


def answer_details(answer: PanelAnswer, t: Translator) -> tuple[AnswerDetail, ...]:
    """The source and the times of an answer that was received on this page."""
    found: list[AnswerDetail] = []
    if origin := origin_text(answer, t):
        found.append(AnswerDetail(origin, "faq" if answer.match else "model"))
    if answer.finished:
        found += [AnswerDetail(text, "time") for text in timing_texts(answer.finished.timings, t)]
    if answer.stopped:
        found.append(AnswerDetail(t("chat.stopped"), "stopped"))
    return tuple(found)


def exchange_details(route: str, exchange: Exchange | None, t: Translator) -> tuple[AnswerDetail, ...]:
    """The source and the times of a stored answer. Without the report of its turn only ``route`` is known."""
    if route.startswith(_FAQ_PREFIX):
        origin = t("chat.from_entry", id=route.removeprefix(_FAQ_PREFIX))
        if exchange is not None and exchange.faq_rule:
            score = format_number(exchange.faq_score, 0, t)
            origin = " · ".join((origin, rule_text(exchange.faq_rule, t), score))
        found = [AnswerDetail(origin, "faq")]
    else:
        parts = (route_text(route, t) if route else "", exchange.model if exchange else "")
        origin = " · ".join(part for part in parts if part)
        found = [AnswerDetail(origin, "model")] if origin else []
    if exchange is not None:
        timings = Timings(
            first_token_ms=exchange.first_token_ms,
            first_audio_ms=exchange.first_audio_ms,
            total_ms=exchange.total_ms,
        )
        found += [AnswerDetail(text, "time") for text in timing_texts(timings, t)]
    return tuple(found)


def timing_texts(timings: Timings, t: Translator) -> tuple[str, ...]:
    """The measured times in chronological order."""
    stages = (
        ("chat.time_first_token", timings.first_token_ms),
        ("chat.time_first_audio", timings.first_audio_ms),
        ("chat.time_total", timings.total_ms or None),
    )
    return tuple(t(key, time=format_duration(value, t)) for key, value in stages if value is not None)


def failure_text(answer: PanelAnswer, t: Translator) -> str:
    if answer.failure is None:
        return ""
    return explain_error_code(answer.failure.code, answer.failure.message, t)
