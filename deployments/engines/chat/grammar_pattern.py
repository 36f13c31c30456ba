"""Regular expressions of JSON schemas in the form that llama.cpp's grammars follow.

llama.cpp wants patterns with ``^`` and ``$``, does not know ``\\d``, and lets ``.`` and negated classes match quotes,
which would end the JSON text. The pattern that results matches the text of a JSON string: its characters, escaped.
"""

import re
from collections.abc import Iterable
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_NOT_IN_STRINGS = r'\x00-\x1f"\\'
_ANY = f"[^{_NOT_IN_STRINGS}]"
_SPECIAL = frozenset("^$.[]()|{}*+?")
_CLASSES = {sre.CATEGORY_DIGIT: "0-9", sre.CATEGORY_WORD: "A-Za-z0-9_", sre.CATEGORY_SPACE: r"\x20\u00a0"}
_NEGATED = {
    sre.CATEGORY_NOT_DIGIT: "0-9",
    sre.CATEGORY_NOT_WORD: "A-Za-z0-9_",
    sre.CATEGORY_NOT_SPACE: r"\x20\u00a0",
}
_MAX_REPETITIONS = int(sre.MAXREPEAT)

Node = tuple[Any, Any]


class PatternNotSupported(ValueError):
    """The pattern has a construct that a grammar cannot follow, such as a lookahead."""


def grammar_pattern(pattern: str) -> str:
    """``pattern`` with both anchors. A pattern without an anchor gets any text there (JSON Schema, 6.3.3). Raises
    PatternNotSupported."""
    try:
        parsed = parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternNotSupported(str(error)) from None
    if parsed.state.flags & ~re.UNICODE:
        raise PatternNotSupported("flags are not supported")
    return f"^{_whole(list(parsed))}$"


def _whole(nodes: list[Node], starts: bool = True) -> str:
    """``nodes`` up to the end of the text; from its start too, if ``starts``. Anchors may stand in alternatives."""
    if len(nodes) == 1 and (alternatives := _alternatives(nodes[0])):
        return "(" + "|".join(_whole(each, starts) for each in alternatives) + ")"
    anchored = bool(nodes) and nodes[0] in ((sre.AT, sre.AT_BEGINNING), (sre.AT, sre.AT_BEGINNING_STRING))
    before = f"{_ANY}*" if starts and not anchored else ""
    nodes = nodes[1:] if starts and anchored else nodes
    if nodes and nodes[-1] in ((sre.AT, sre.AT_END), (sre.AT, sre.AT_END_STRING)):
        return before + _sequence(nodes[:-1])
    if len(nodes) > 1 and _alternatives(nodes[-1]):
        return before + _sequence(nodes[:-1]) + _whole(nodes[-1:], starts=False)
    if len(nodes) == 1 and anchored and _alternatives(nodes[0]):
        return _whole(nodes, starts=False)
    return before + _sequence(nodes) + f"{_ANY}*"


def _alternatives(node: Node) -> list[list[Node]]:
    """The alternatives of a branch or a group; none for other nodes."""
    if node[0] is sre.BRANCH:
        return [list(branch) for branch in node[1][1]]
    return [list(node[1][3])] if node[0] is sre.SUBPATTERN and not _flags(node[1]) else []


def _sequence(nodes: Iterable[Node]) -> str:
    return "".join(_node(*node) for node in nodes)


def _node(kind: Any, value: Any) -> str:
    if kind is sre.LITERAL:
        return _literal(chr(value))
    if kind is sre.ANY:
        return _ANY
    if kind is sre.NOT_LITERAL:
        return _negated(_class_character(value))
    if kind is sre.IN:
        return _class(value)
    if kind is sre.BRANCH:
        return "(" + "|".join(_sequence(branch) for branch in value[1]) + ")"
    if kind is sre.SUBPATTERN and not _flags(value):
        return f"({_sequence(value[3])})"
    if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        return _repeat(*value)
    raise PatternNotSupported(f"{str(kind).lower()} is not supported")


def _flags(subpattern: Any) -> bool:
    return bool(subpattern[1] or subpattern[2])


def _repeat(least: int, most: int, nodes: Iterable[Node]) -> str:
    item = _sequence(nodes)
    if not item:
        return ""
    most_text = "" if most == _MAX_REPETITIONS else str(most)
    return f"({item}){{{least},{most_text}}}"


def _class(items: list[Node]) -> str:
    negated = bool(items) and items[0][0] is sre.NEGATE
    items = items[1:] if negated else items
    if len(items) == 1 and items[0][0] is sre.CATEGORY and items[0][1] in _NEGATED:
        content = _NEGATED[items[0][1]]
        return f"[{content}]" if negated else _negated(content)
    content = "".join(_class_item(*item, keep_all=negated) for item in items)
    if negated:
        return _negated(content)
    if not content:
        raise PatternNotSupported("a class has only characters that are escaped in JSON")
    return f"[{content}]"


def _class_item(kind: Any, value: Any, keep_all: bool) -> str:
    if kind is sre.LITERAL:
        return _class_character(value) if keep_all or _stands_for_itself(value) else ""
    if kind is sre.RANGE:
        return "".join(
            f"{_class_character(low)}-{_class_character(high)}"
            for low, high in ([value] if keep_all else _without_escaped(*value))
        )
    if kind is sre.CATEGORY and value in _CLASSES:
        return _CLASSES[value]
    raise PatternNotSupported("a negated class within a class is not supported")


def _without_escaped(low: int, high: int) -> Iterable[tuple[int, int]]:
    """The parts of a range whose characters stand for themselves in a JSON string."""
    for first, last in ((0x20, 0x21), (0x23, 0x5B), (0x5D, 0x10FFFF)):
        start, end = max(low, first), min(high, last)
        if start <= end:
            yield start, end


def _stands_for_itself(code: int) -> bool:
    return code >= 0x20 and chr(code) not in '"\\'


def _negated(content: str) -> str:
    return f"[^{content}{_NOT_IN_STRINGS}]"


def _class_character(code: int) -> str:
    """A character of a class in the notation of GBNF."""
    character = chr(code)
    if character.isascii():
        return character if character.isalnum() else f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _literal(character: str) -> str:
    """A character of the JSON text. llama.cpp copies the escapes of GBNF."""
    if character in '"\\':
        return "\\\\\\" + character if character == "\\" else '\\\\"'
    if ord(character) < 0x20:
        return f"\\\\u{ord(character):04x}"
    return f"\\{character}" if character in _SPECIAL else character
