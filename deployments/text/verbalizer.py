"""What a language must know to say numbers aloud, and what both languages share. Digits in, words out."""

import re
from decimal import Decimal
from typing import ClassVar, Protocol

from num2words import num2words

MAX_NUMBER_DIGITS = 15
"""Digits; longer strings are account numbers and the like and are said in groups of three."""


Expansions = tuple[tuple[re.Pattern[str], str], ...]
"""Abbreviations and what they stand for, in the order in which they are looked for."""


class Verbalizer(Protocol):
    """One language's way to say what was found in a text. Strings of digits come in, words go out."""

    tag: str
    symbols: ClassVar[dict[str, str]]
    expansions: ClassVar[Expansions]
    months: ClassVar[tuple[str, ...]]
    """As dates name them, from January, lower case."""
    named_date: ClassVar[re.Pattern[str]]
    """A date with its month's name: the groups day, month and year, the last of which may be missing."""

    def number(self, whole: str, fraction: str, before: str, after: str) -> str:
        """A number between the words ``before`` and ``after``, lower case; ``fraction`` may be empty."""
        ...

    def ordinal(self, digits: str, suffix: str) -> str: ...

    def date(self, day: int, month: int, year: int, before: str) -> str: ...

    def time(self, hour: int, minute: int, before: str, suffix: str) -> str: ...

    def money(self, whole: str, fraction: str, magnitude: str, sign: str, before: str) -> str: ...

    def percent(self, whole: str, fraction: str, before: str) -> str: ...

    def degrees(self, whole: str, fraction: str, scale: str, before: str) -> str: ...

    def range(self, first: str, last: str, before: str, after: str) -> str: ...


def compile_expansions(expansions: tuple[tuple[str, str], ...]) -> Expansions:
    return tuple((re.compile(pattern), words) for pattern, words in expansions)


def number_to_words(value: int | Decimal, language: str, **form: str) -> str:
    """``value`` in words; ``form`` is num2words' to, case, gender. Commas go, they would be heard as pauses."""
    words: str = num2words(value, lang=language, **form)
    return words.replace(",", "")


def as_decimal(whole: str, fraction: str) -> Decimal | int:
    return Decimal(f"{whole}.{fraction}") if fraction else int(whole)


def groups_to_words(groups: list[str], language: str) -> str:
    """Groups of a phone number, each of at most three digits, leading zeros said one by one."""
    return ", ".join(_group(group, language) for group in groups)


def digit_groups(digits: str) -> list[str]:
    """A long number as groups of three from the left."""
    return [digits[start : start + 3] for start in range(0, len(digits), 3)]


def _group(group: str, language: str) -> str:
    zeros = len(group) - len(group.lstrip("0"))
    words = [number_to_words(0, language)] * zeros
    if group[zeros:]:
        rest = group[zeros:]
        words += (
            [number_to_words(int(digit), language) for digit in rest]
            if language == "en"
            else [number_to_words(int(rest), language)]
        )
    return " ".join(words)
