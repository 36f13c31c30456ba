"""Renders the answer of a matched FAQ entry, with placeholders in local time."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from deployments.answers.templates import render_placeholders
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.events import AnswerMatch
from deployments.contracts.faq_entry import FaqEntry

UtcClock = Callable[[], datetime]
MIN_MESSAGE_LENGTH = 2
"""In letters and digits. Shorter messages never match."""


class AnswerRenderer:
    """Renders answers in the time of ``time_zone`` (IANA name). Raises InvalidRequest for an unknown zone."""

    def __init__(self, time_zone: str, clock: UtcClock) -> None:
        try:
            self._zone = ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise InvalidRequest(f"unknown time zone {time_zone!r}; use an IANA name", param="time_zone") from error
        self._clock = clock

    def render_match(self, entry: FaqEntry, rule: str, score: float, trigger: str) -> AnswerMatch:
        text = entry.answer
        if "{" in text:
            text = render_placeholders(text, entry.language, self._clock().astimezone(self._zone))
        return AnswerMatch(entry.id, text, entry.language, rule, score, trigger)


def preference_key(entry: FaqEntry, locale: str | None) -> tuple[bool, int]:
    """Sort key of equally good entries: the language of ``locale`` first, then the lower id."""
    return (locale is not None and entry.language != primary_language(locale), entry.id)


def primary_language(locale: str) -> str:
    """The primary subtag of a BCP 47 language tag: "ru" for "ru-RU"."""
    return locale.replace("_", "-").partition("-")[0].lower()
