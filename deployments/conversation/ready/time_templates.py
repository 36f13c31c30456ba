"""Answers that say the time: their constant parts are ready, the time is spoken when they are given.

An answer with ``{current_date}`` or ``{day_of_week}`` has one text per day, so it is ready as a whole for today and
tomorrow. ``{current_time}`` has 1,440 values: a sentence with it is joined.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from deployments.answers.templates import has_placeholders, render_placeholders
from deployments.contracts.faq_entry import FaqEntry
from deployments.text.sentences import split_sentences

_TIME = re.compile(r"\b\d\d:\d\d\b")
_ANY_TIME = "\0"
_TIMES = (time(0, 0), time(11, 11))
"""Two times without a common digit."""
_NEVER = datetime.min.replace(tzinfo=UTC)


def local_days(now: datetime, time_zone: str) -> tuple[datetime, ...]:
    """Today and tomorrow in ``time_zone``; in UTC if it is unknown. ``now`` is UTC."""
    with suppress(ZoneInfoNotFoundError, ValueError, OSError):
        now = now.astimezone(ZoneInfo(time_zone))
    return (now, now + timedelta(days=1))


def rendered_answers(entry: FaqEntry, days: Iterable[datetime]) -> list[str]:
    """The texts that ``entry`` has on ``days``, each at midnight."""
    if not has_placeholders(entry.answer):
        return [entry.answer]
    texts = (_render(entry, day, _TIMES[0]) for day in days)
    return list(dict.fromkeys(texts))


def template_constants(entry: FaqEntry, days: Iterable[datetime]) -> dict[str, tuple[str, ...]]:
    """The sentences of ``entry`` that say the time, each with its constant parts."""
    if "{current_time}" not in entry.answer:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for day in days:
        night, morning = (split_sentences(_render(entry, day, at), first_clause=True) for at in _TIMES)
        for piece, other in zip(night, morning, strict=False):
            form = _form(piece)
            if piece != other and form == _form(other):
                constants = (part.strip() for part in form.split(_ANY_TIME))
                found[form] = tuple(part for part in constants if any(map(str.isalnum, part)))
    return found


def spoken_pieces(pieces: Iterable[str], constants: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """``pieces``, with the constant parts of those that say the time in their place."""
    for piece in pieces:
        yield from constants.get(_form(piece), (piece,))


class TimeTemplates:
    """The sentences of all entries that say the time. Built again when entries or the day change."""

    def __init__(self) -> None:
        self._faq: Sequence[FaqEntry] | None = None
        self._until = _NEVER
        self._time_zone = ""
        self._constants: dict[str, tuple[str, ...]] = {}

    def update(self, faq: Sequence[FaqEntry], time_zone: str, now: datetime) -> None:
        """Looks at each entry when one has changed, and once an hour. ``now`` is UTC."""
        if faq is self._faq and time_zone == self._time_zone and now < self._until:
            return
        days = local_days(now, time_zone)
        found: dict[str, tuple[str, ...]] = {}
        for entry in faq:
            if entry.enabled:
                found |= template_constants(entry, days)
        self._faq, self._time_zone, self._constants = faq, time_zone, found
        self._until = now + timedelta(hours=1)

    def constants(self, piece: str) -> tuple[str, ...]:
        """The constant parts of a sentence that says the time in an answer; () for any other sentence."""
        return self._constants.get(_form(piece), ()) if self._constants else ()


@dataclass(frozen=True, slots=True)
class SpokenPart:
    """A part of a sentence in its spoken form. ``constant`` parts are ready."""

    text: str
    constant: bool


def divide(spoken: str, constants: Sequence[str]) -> list[SpokenPart]:
    """Divides a sentence in its spoken form at the spoken forms of its constant parts. Joined, the parts are the
    sentence. Empty when it does not contain them in this order, because a rule of the language changed their words."""
    parts: list[SpokenPart] = []
    position = 0
    for constant in constants:
        at = spoken.find(constant, position)
        if not constant or at < 0 or not _at_words(spoken, at, at + len(constant)):
            return []
        _add(parts, spoken[position:at], False)
        parts.append(SpokenPart(constant, True))
        position = at + len(constant)
    _add(parts, spoken[position:], False)
    return parts


def _add(parts: list[SpokenPart], text: str, constant: bool) -> None:
    if any(map(str.isalnum, text)):
        parts.append(SpokenPart(text.strip(), constant))


def _at_words(text: str, start: int, end: int) -> bool:
    """Whether ``text[start:end]`` begins and ends at the borders of words."""
    before, after = text[:start][-1:], text[end:][:1]
    return not (before.isalnum() and text[start].isalnum()) and not (after.isalnum() and text[end - 1].isalnum())


def _form(piece: str) -> str:
    return _TIME.sub(_ANY_TIME, piece)


def _render(entry: FaqEntry, day: datetime, at: time) -> str:
    return render_placeholders(entry.answer, entry.language, day.replace(hour=at.hour, minute=at.minute))
