"""English numbers aloud: years, o'clock, dollars and cents."""

import re
from typing import ClassVar

from deployments.text.verbalizer import Expansions, as_decimal, compile_expansions, number_to_words

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_YEAR_AFTER = frozenset(("in", "since", "year", *(month.lower() for month in _MONTHS)))
_NAMED_DATE = re.compile(
    rf"\b(?P<month>{'|'.join(_MONTHS)}) (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?!\w|[-–—.,:/%]\d)"
    r"(?:,? (?P<year>1[1-9]\d\d|20\d\d)(?!\w|[-–—.,:/%]\d))?"
)
_CURRENCIES = {
    "₽": ("ruble", "rubles", "kopeck", "kopecks"),
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "sen", "sen"),
}
_EXPANSIONS = (
    (r"\be\.\s?g\.", "for example"),
    (r"\bi\.\s?e\.", "that is"),
    (r"\bN[oº]\.? ?(?=\d)", "number "),
    (r"\bkm²", "square kilometers"),
    (r"\bm²", "square meters"),
    (r"\bm³", "cubic meters"),
)
_O_CLOCK = "o'clock"
_MAGNITUDES = {"тыс": "thousand", "млн": "million", "млрд": "billion"}


class EnglishVerbalizer:
    tag = "en"
    expansions: ClassVar[Expansions] = compile_expansions(_EXPANSIONS)
    months: ClassVar[tuple[str, ...]] = tuple(month.lower() for month in _MONTHS)
    named_date: ClassVar[re.Pattern[str]] = _NAMED_DATE
    symbols: ClassVar[dict[str, str]] = {
        "№": "number", "&": "and", "+": "plus", "=": "equals", "×": "by", "°": "degrees", "%": "percent",
        "§": "section", "₽": "rubles", "$": "dollars", "€": "euros", "£": "pounds", "¥": "yen", "@": "at",
        "dot": "dot", "-": "dash", "minus": "minus", "_": "underscore", "from": "from", "to": "to",
    }  # fmt: skip

    def number(self, whole: str, fraction: str, before: str, after: str) -> str:
        if not fraction and len(whole) == 4 and before.rstrip(",") in _YEAR_AFTER and 1100 <= int(whole) <= 2099:
            return number_to_words(int(whole), "en", to="year")
        return _decimal(whole, fraction)

    def ordinal(self, digits: str, suffix: str) -> str:
        return number_to_words(int(digits), "en", to="ordinal")

    def date(self, day: int, month: int, year: int, before: str) -> str:
        words = f"{_MONTHS[month - 1]} {number_to_words(day, 'en', to='ordinal')}"
        return f"{words}, {number_to_words(year, 'en', to='year')}" if year else words

    def time(self, hour: int, minute: int, before: str, suffix: str) -> str:
        """Afternoon hours of the 24-hour clock are said as p.m.; ``suffix`` is what the text itself says."""
        half = suffix or ("" if 1 <= hour <= 12 else "a.m." if hour == 0 else "p.m.")
        spoken = number_to_words((hour - 1) % 12 + 1, "en")
        if not minute:
            return f"{spoken} {half or _O_CLOCK}"
        oh = "oh " if minute < 10 else ""
        return f"{spoken} {oh}{number_to_words(minute, 'en')} {half}".rstrip()

    def money(self, whole: str, fraction: str, magnitude: str, sign: str, before: str) -> str:
        one, many, cent, cents = _CURRENCIES[sign]
        if magnitude:
            return f"{_decimal(whole, fraction)} {_MAGNITUDES[magnitude]} {many}"
        if fraction and len(fraction) != 2:
            return f"{_decimal(whole, fraction)} {many}"
        words = _counted(whole, one, many)
        return f"{words} and {_counted(fraction, cent, cents)}" if fraction.strip("0") else words

    def percent(self, whole: str, fraction: str, before: str) -> str:
        return f"{_decimal(whole, fraction)} percent"

    def degrees(self, whole: str, fraction: str, scale: str, before: str) -> str:
        words = f"{_decimal(whole, fraction)} {'degree' if (whole, fraction) == ('1', '') else 'degrees'}"
        return words + {"C": " Celsius", "F": " Fahrenheit"}.get(scale, "")

    def range(self, first: str, last: str, before: str, after: str) -> str:
        return f"{number_to_words(int(first), 'en')} to {number_to_words(int(last), 'en')}"


def _decimal(whole: str, fraction: str) -> str:
    return number_to_words(as_decimal(whole, fraction), "en")


def _counted(digits: str, one: str, many: str) -> str:
    return f"{number_to_words(int(digits), 'en')} {one if int(digits) == 1 else many}"
