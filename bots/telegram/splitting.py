"""Cuts a long answer into messages. Telegram counts UTF-16 code units and takes at most 4096 of them per message
(https://core.telegram.org/bots/api#sendmessage); cuts fall where a reader would pause."""

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
_SMALLEST_SHARE = 3  # a nicer boundary is taken only when it fills at least this part of a message: a third


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def split_message(text: str, limit: int = MAX_MESSAGE_UTF16_UNITS) -> tuple[str, ...]:
    """Pieces of at most ``limit`` units, none empty; joined they hold every visible character in order.

    Prefers the end of a paragraph, then of a line, a sentence, a word; a single longer word is cut between characters
    as people see them. Lone surrogates, which cannot be sent, become question marks.
    """
    rest = text.encode("utf-8", "replace").decode().replace("\x00", "").strip()
    pieces = []
    while utf16_length(rest) > limit:
        cut = _cut(rest, _prefix(rest, limit))
        pieces.append(rest[:cut].rstrip())
        rest = _after_boundary(rest[cut:])
    return tuple(piece for piece in (*pieces, rest) if piece)


def _after_boundary(rest: str) -> str:
    """What the next message begins with: a new line keeps its indentation, which in code and lists has a meaning."""
    blank = _BLANK_LINES.match(rest)
    return rest[blank.end() :] if blank else rest.lstrip()


def _prefix(text: str, limit: int) -> int:
    """How many characters fit into ``limit`` units."""
    used = 0
    for index, character in enumerate(text):
        used += 2 if character > "\uffff" else 1
        if used > limit:
            return index
    return len(text)


def _cut(text: str, fits: int) -> int:
    """Where to cut ``text``, of which the first ``fits`` characters fit into a message."""
    for boundary in _BOUNDARIES:
        cut = _last(boundary, text, fits)
        if cut * _SMALLEST_SHARE >= fits:
            return cut
    return _last(_SPACE, text, fits) or _between_characters(text, fits)


def _last(boundary: re.Pattern[str], text: str, fits: int) -> int:
    """End of the text before the last boundary that leaves at most ``fits`` visible characters; 0 when none does."""
    best = 0
    for match in boundary.finditer(text, 0, fits + 1):
        visible = len(match.group().rstrip())
        if match.start() + visible <= fits:
            best = match.start() + visible
    return best


def _between_characters(text: str, fits: int) -> int:
    """The last place not inside an emoji sequence or between a letter and its accents; ``fits`` when there is none."""
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
    """A flag is two regional indicators; an odd number of them before the cut means one is torn apart."""
    run = 0
    while run < cut and "\U0001f1e6" <= text[cut - 1 - run] <= "\U0001f1ff":
        run += 1
    return run % 2 == 1 and "\U0001f1e6" <= text[cut] <= "\U0001f1ff"
