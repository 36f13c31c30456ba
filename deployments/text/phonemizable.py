"""Brings a text to a shape that no phonemizer has trouble with; ordinary text stays as it is.

espeak-ng keeps the phonemes of a word and the words of a clause in arrays of fixed size on its stack, and does not
check all of them. Words, rows of marks and clauses of unusual length are therefore broken up. Each text is read once,
character by character: the time is linear in its length.
"""

import unicodedata
from collections.abc import Iterator
from itertools import pairwise

from deployments.contracts.unicode_text import composed_text

_MAX_WORD_BYTES = 64
_MAX_WORD_LENGTH = 28
_MAX_DIGITS = 20
_MAX_MARKS = 6
_MAX_ROWS_OF_MARKS = 3
_MAX_CLAUSE_LOAD = 40
_MAX_CLAUSE_LENGTH = 240
_MAX_ABBREVIATION = 3
_ORDINARY_LENGTH = 16
_LAST_MARKS = '.,;:!?…)»”"'
_CLAUSE_ENDS = frozenset(".,;:!?…。、，！？؟،")
_PAUSE = ","
_INVISIBLE = frozenset(("Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"))


def phonemizable(text: str) -> str:
    """``text`` with spaces in words that are too long, and commas in clauses that are too long."""
    return " ".join(_with_pauses(_short_words(text)))


def plain_words(text: str) -> str:
    """The letters and digits of ``text`` only, in the shape of ``phonemizable``."""
    composed = composed_text(text)
    return phonemizable("".join(character if character.isalnum() else " " for character in composed))


def _short_words(text: str) -> Iterator[str]:
    for word in _visible(text).split():
        if _is_ordinary(word):
            yield word
        else:
            yield from _WordSplitter().split(word)


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(character) in _INVISIBLE else character for character in text)


def _is_ordinary(word: str) -> bool:
    """Whether ``word`` is short and has no mark before its end."""
    return len(word) <= _ORDINARY_LENGTH and word.rstrip(_LAST_MARKS).isalnum()


class _WordSplitter:
    """Splits one word between characters, so that no piece exceeds the bounds."""

    def __init__(self) -> None:
        self._marks = 0
        self._start_piece()

    def split(self, word: str) -> Iterator[str]:
        for character in word:
            is_mark = not character.isalnum()
            if is_mark and self._marks >= _MAX_MARKS:
                continue
            if self._is_full(character, is_mark):
                yield "".join(self._piece)
                self._start_piece()
            self._add(character, is_mark)
        yield "".join(self._piece)

    def _start_piece(self) -> None:
        self._piece: list[str] = []
        self._bytes = self._digits = self._rows_of_marks = 0

    def _is_full(self, character: str, is_mark: bool) -> bool:
        return bool(self._piece) and (
            len(self._piece) >= _MAX_WORD_LENGTH
            or self._bytes + len(character.encode()) > _MAX_WORD_BYTES
            or (self._digits >= _MAX_DIGITS and character.isdigit())
            or (self._rows_of_marks >= _MAX_ROWS_OF_MARKS and is_mark and not self._marks)
        )

    def _add(self, character: str, is_mark: bool) -> None:
        self._piece.append(character)
        self._bytes += len(character.encode())
        self._digits = self._digits + 1 if character.isdigit() else 0
        self._rows_of_marks += is_mark and not self._marks
        self._marks = self._marks + 1 if is_mark else 0


def _with_pauses(words: Iterator[str]) -> Iterator[str]:
    """Counts a mark before a letter as a word of its own: espeak-ng does not end a clause at the dots of ``A.B.C.``"""
    load = length = 0
    for word in words:
        if load >= _MAX_CLAUSE_LOAD or length >= _MAX_CLAUSE_LENGTH:
            yield _PAUSE
            load = length = 0
        yield word
        parts = 1 if _is_ordinary(word) else max(_count_parts(word), 1)
        load, length = load + parts, length + len(word)
        if parts == 1 and len(word) > _MAX_ABBREVIATION and word[-1] in _CLAUSE_ENDS:
            load = length = 0


def _count_parts(word: str) -> int:
    return sum(after.isalnum() and not before.isalnum() for before, after in pairwise(f" {word}"))
