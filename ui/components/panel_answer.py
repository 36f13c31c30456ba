"""Collects the events of a turn and formats them as texts. Has no widgets."""

from dataclasses import dataclass

from deployments.contracts.events import (
    AnswerMatch,
    AnswerMatched,
    TextDelta,
    Timings,
    TurnEvent,
    TurnFailed,
    TurnFinished,
)
from ui.components.latency_card import route_text
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
