"""Strings on which a regular expression backtracks, derived from its own parts.

Every repeated part of the pattern, and every pair of characters that it names, is repeated up to the wanted length,
behind a text that matches what comes before it, and followed by a character that makes the match fail.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

_parser: Any = re._parser  # type: ignore[attr-defined]
_ENDINGS = ("\x00", "")
_CATEGORIES = {
    "CATEGORY_DIGIT": "5",
    "CATEGORY_NOT_DIGIT": "a",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_SPACE": "a",
    "CATEGORY_WORD": "a",
    "CATEGORY_NOT_WORD": "!",
}
_MAX_CHARACTERS = 16
_MAX_UNITS = 70


def attack_strings(pattern: str, flags: int, length: int) -> Iterator[str]:
    """Strings of about ``length`` characters."""
    parsed = _parser.parse(pattern, flags & ~re.DEBUG)
    starts = dict.fromkeys(["", *_starts(parsed)])
    for unit in islice(dict.fromkeys(_units(parsed)), _MAX_UNITS):
        body = unit * (length // len(unit))
        for start in islice(starts, 3):
            for ending in _ENDINGS:
                yield start + body + ending


def _units(parsed: Any) -> Iterator[str]:
    yield from filter(None, _repeated(parsed))
    yield from filter(None, [_example(parsed)])
    marks = [character for character in _characters(parsed) if not character.isalpha()]
    characters = list(dict.fromkeys(["a", " ", *marks, *_characters(parsed)]))[:_MAX_CHARACTERS]
    yield from characters
    yield from (f" {mark}a" for mark in dict.fromkeys(marks))
    yield from (first + second for first in characters for second in characters if first != second)


def _repeated(parsed: Any) -> Iterator[str]:
    for operator, argument in _nodes(parsed):
        if str(operator) in _REPEATS:
            for variant in range(3):
                yield _example(argument[2], variant)


_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")


def _starts(parsed: Any) -> Iterator[str]:
    """Matches of what comes before each repeated part at the top level."""
    written = ""
    for operator, argument in _flat(parsed):
        if str(operator) in _REPEATS:
            yield written
        written += _example_of(operator, argument, 0)


def _flat(parsed: Any) -> Iterator[tuple[Any, Any]]:
    for operator, argument in parsed:
        if str(operator) == "SUBPATTERN":
            yield from _flat(argument[-1])
        else:
            yield operator, argument


def _nodes(parsed: Any) -> Iterator[tuple[Any, Any]]:
    for operator, argument in parsed:
        yield operator, argument
        for child in _children(str(operator), argument):
            yield from _nodes(child)


def _children(operator: str, argument: Any) -> list[Any]:
    if operator in _REPEATS:
        return [argument[2]]
    if operator in ("SUBPATTERN", "ASSERT", "ASSERT_NOT"):
        return [argument[-1]]
    if operator == "ATOMIC_GROUP":
        return [argument]
    if operator == "BRANCH":
        return list(argument[1])
    return []


def _characters(parsed: Any) -> Iterator[str]:
    for operator, argument in _nodes(parsed):
        if str(operator) in ("LITERAL", "NOT_LITERAL"):
            yield chr(argument)
        elif str(operator) == "IN":
            yield from _members(argument)
        elif str(operator) == "ANY":
            yield "a"


def _members(members: Any) -> Iterator[str]:
    for operator, argument in members:
        match str(operator):
            case "LITERAL":
                yield chr(argument)
            case "RANGE":
                yield chr(argument[0])
            case "CATEGORY":
                yield _CATEGORIES.get(str(argument), "a")


def _example(parsed: Any, variant: int = 0) -> str:
    """A text that matches, apart from assertions and references."""
    return "".join(_example_of(operator, argument, variant) for operator, argument in parsed)


def _example_of(operator: Any, argument: Any, variant: int) -> str:
    match str(operator):
        case "LITERAL":
            return chr(argument)
        case "NOT_LITERAL":
            return "a" if argument != ord("a") else "b"
        case "ANY":
            return "a"
        case "IN":
            return _member(argument, variant)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return _example(argument[2], variant) * max(argument[0], 1)
        case "SUBPATTERN":
            return _example(argument[-1], variant)
        case "ATOMIC_GROUP":
            return _example(argument, variant)
        case "BRANCH":
            return _example(argument[1][variant % len(argument[1])], variant)
    return ""


def _member(members: Any, variant: int) -> str:
    if str(members[0][0]) == "NEGATE":
        refused = set(_members(members[1:]))
        return next((character for character in ("a", "b", "!", "5", " ") if character not in refused), "~")
    known: list[str] = list(_members(members))
    return known[variant % len(known)]
