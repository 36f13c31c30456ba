"""Lines of a log as they are shown: local time, level in words, and a class for its colour."""

import re
from dataclasses import dataclass

from ui.translations import Translator

_RECORD = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d:\d\d:\d\d),\d{3} ([A-Z]+) \d+ ([\w.]+) ?(.*)", re.DOTALL)
_LEVEL_WIDTH = 9


@dataclass(frozen=True, slots=True)
class ShownLine:
    """``level`` is that of the record which the line belongs to; "" when it is not known."""

    text: str
    level: str


def show_line(line: str, level_before: str, t: Translator) -> ShownLine:
    """A line that starts no record continues the one before, whose level is ``level_before``."""
    found = _RECORD.fullmatch(line)
    if found is None:
        return ShownLine(f"    {line}" if line else " ", level_before)
    year, month, day, time, level, _, message = found.groups()
    date = f"{day}.{month}" if t.language == "ru" else f"{year}-{month}-{day}"
    return ShownLine(f"{date} {time}  {level_text(level, t):<{_LEVEL_WIDTH}} {message}", level)


def level_text(level: str, t: Translator) -> str:
    key = f"logs.levels.{level}"
    return t(key) if t.has(key) else level
