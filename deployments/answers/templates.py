"""Placeholders in FAQ answers. They are replaced when the answer is given."""

import re
from datetime import datetime

_PLACEHOLDER = re.compile(r"\{(current_time|current_date|day_of_week)\}")
_NAME = re.compile(r"\{\s*([^\W\d]\w*)\s*\}")
KNOWN_PLACEHOLDERS = ("current_time", "current_date", "day_of_week")
_DAYS = {
    "ru": ("понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def render_placeholders(answer: str, language: str, now: datetime) -> str:
    """Replaces {current_time}, {current_date} and {day_of_week} in ``answer``. Other braces stay.

    ``now`` is local time. Russian: 14:05, 23.11.2026, понедельник. Other languages use English: 14:05, November 23,
    2026, Monday.
    """
    if "{" not in answer:
        return answer
    return _PLACEHOLDER.sub(lambda found: _value(found[1], language, now), answer)


def unknown_placeholders(answer: str) -> tuple[str, ...]:
    """The names in braces that nothing replaces, such as ``{company}``."""
    named = dict.fromkeys(found[1] for found in _NAME.finditer(answer) if not _PLACEHOLDER.fullmatch(found[0]))
    return tuple(named)


def has_placeholders(answer: str) -> bool:
    """Whether ``answer`` speaks of the present moment."""
    return "{" in answer and _PLACEHOLDER.search(answer) is not None


def _value(name: str, language: str, now: datetime) -> str:
    if name == "current_time":
        return f"{now:%H:%M}"
    if name == "day_of_week":
        return _DAYS.get(language, _DAYS["en"])[now.weekday()]
    return f"{now:%d.%m.%Y}" if language == "ru" else f"{_MONTHS[now.month - 1]} {now.day}, {now.year}"
