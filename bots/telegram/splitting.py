"""Splits a long text into messages. A message has at most 4096 UTF-16 code units
(https://core.telegram.org/bots/api#sendmessage)."""

import re
import unicodedata

MAX_MESSAGE_UTF16_UNITS = 4096

_SENTENCE_END = re.compile(r"[.!?…](?:[\"'»”)\]]*)\s+")
_SPACE = re.compile(r"\s+")
_PARAGRAPH = re.compile(r"\n\s*\n")
_LINE = re.compile(r"\n")
_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)+")
_BOUNDARIES = (_PARAGRAPH, _LINE, _SENTENCE_END, _SPACE)
_JOINER = "\u200d"
_MIN_FILL_DIVISOR = 3  # a boundary counts only when the piece before it fills at least a third of a message


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def split_message(text: str, limit: int = MAX_MESSAGE_UTF16_UNITS) -> tuple[str, ...]:
    """Splits ``text`` into pieces of at most ``limit`` UTF-16 code units. No piece is empty, no visible character is
    lost.

    Pieces end at a paragraph, a line, a sentence or a word, in order of preference. A longer word is split between
    grapheme clusters. Lone surrogates, which cannot be sent, become question marks.
    """
    rest = text.encode("utf-8", "replace").decode().replace("\x00", "").strip()
    pieces = []
    while utf16_length(rest) > limit:
        cut = _cut(rest, _fitting_length(rest, limit))
        pieces.append(rest[:cut].rstrip())
        rest = _after_boundary(rest[cut:])
    return tuple(piece for piece in (*pieces, rest) if piece)


def _after_boundary(rest: str) -> str:
    """The start of the next piece. A new line keeps its indentation, which matters in code and lists."""
    blank = _BLANK_LINES.match(rest)
    return rest[blank.end() :] if blank else rest.lstrip()


def _fitting_length(text: str, limit: int) -> int:
    """The number of leading characters that fit into ``limit`` code units."""
    used = 0
    for index, character in enumerate(text):
        used += 2 if character > "\uffff" else 1
        if used > limit:
            return index
    return len(text)


def _cut(text: str, fits: int) -> int:
    """The index at which to split ``text``, of which the first ``fits`` characters fit into a message."""
    for boundary in _BOUNDARIES:
        cut = _last_boundary(boundary, text, fits)
        if cut * _MIN_FILL_DIVISOR >= fits:
            return cut
    return _last_boundary(_SPACE, text, fits) or _between_characters(text, fits)


def _last_boundary(boundary: re.Pattern[str], text: str, fits: int) -> int:
    """The end of the text before the last boundary within the first ``fits`` visible characters; 0 without one."""
    best = 0
    for match in boundary.finditer(text, 0, fits + 1):
        visible = len(match.group().rstrip())
        if match.start() + visible <= fits:
            best = match.start() + visible
    return best


def _between_characters(text: str, fits: int) -> int:
    """The last index that splits neither an emoji sequence nor a letter from its accents; ``fits`` without one."""
    for cut in range(fits, max(0, fits - 64), -1):
        if not _joined(text[cut - 1], text[cut]) and not _splits_flag(text, cut):
            return cut
    return max(1, fits)


def _joined(before: str, after: str) -> bool:
    return _JOINER in (before, after) or _extends(after)


def _extends(character: str) -> bool:
    """Combining marks, variation selectors and skin tones belong to the character before them."""
    return unicodedata.category(character) in ("Mn", "Me", "Mc") or "\U0001f3fb" <= character <= "\U0001f3ff"


def _splits_flag(text: str, cut: int) -> bool:
    """A flag is a pair of regional indicators. An odd number of them before the cut splits a pair."""
    indicators = 0
    while indicators < cut and "\U0001f1e6" <= text[cut - 1 - indicators] <= "\U0001f1ff":
        indicators += 1
    return indicators % 2 == 1 and "\U0001f1e6" <= text[cut] <= "\U0001f1ff"
