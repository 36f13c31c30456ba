"""Rewrites of written forms: ordered pairs of a pattern and its replacement, applied one after the other.

A rewrite turns a form that the language's normaliser misreads (``$2M``, ``9-00``, ``a<b``) into one that it reads.
Every pattern is linear in the length of the text: quantifiers are bounded and do not overlap.
"""

import re
from collections.abc import Callable, Sequence

Replacement = str | Callable[[re.Match[str]], str]
Rewrite = tuple[re.Pattern[str], Replacement]


_ROMAN = re.compile(r"(?:L?X{0,3}|XL)(?:IX|IV|V?I{0,3})")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50}


def rewrite(pattern: str, replacement: Replacement) -> Rewrite:
    return re.compile(pattern, re.IGNORECASE), replacement


def apply_rewrites(text: str, rewrites: Sequence[Rewrite]) -> str:
    for pattern, replacement in rewrites:
        text = pattern.sub(replacement, text)
    return text


def in_groups(digits: str, *sizes: int) -> str:
    """``digits`` split into groups of ``sizes``, the last size repeated: ``in_groups("1234567", 3, 2)`` is
    ``"123, 45, 67"``."""
    groups: list[str] = []
    position = 0
    while position < len(digits):
        size = sizes[min(len(groups), len(sizes) - 1)]
        groups.append(digits[position : position + size])
        position += size
    return ", ".join(groups)


def roman_value(numeral: str) -> int:
    """The value of a Roman numeral below 90; 0 when it is not written as one."""
    if not _ROMAN.fullmatch(numeral):
        return 0
    values = [_ROMAN_VALUES[letter] for letter in numeral]
    return sum(-value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True))


def only_digits(text: str) -> str:
    return "".join(character for character in text if character.isdecimal())
