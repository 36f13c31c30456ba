"""Joins an answer to its continuation by another model: words that the model repeats are cut."""

from itertools import pairwise

_OPENING = " \t\r\n…\"'«“”„*_"
_MAX_OVERLAP = 20_000


class ContinuationFilter:
    """Removes from the start of a continuation what repeats the end of ``prefix``.

    The overlap is the longest part of the prefix, from the start of one of its words to its end, that the continuation
    begins with. Letter case does not matter, and quotation marks or dots before the overlap are cut with it. Text is
    held back only while it may still be part of an overlap. Without an overlap a space is added between two words.
    """

    def __init__(self, prefix: str) -> None:
        self._end = prefix[-_MAX_OVERLAP:]
        folded = _fold(self._end)
        self._candidates = [folded[start:] for start in _word_starts(self._end)]
        self._held = ""
        self._decided = not self._candidates

    def feed(self, text: str) -> str:
        """What of ``text``, and of the text held back before it, can be passed on now."""
        if self._decided:
            return text
        self._held += text
        begun = _fold(self._held.lstrip(_OPENING))
        longer = any(len(each) > len(begun) and each.startswith(begun) for each in self._candidates)
        return "" if longer or not begun else self._decide(begun)

    def finish(self) -> str:
        """The rest, at the end of the continuation."""
        return "" if self._decided else self._decide(_fold(self._held.lstrip(_OPENING)))

    def _decide(self, begun: str) -> str:
        self._decided = True
        overlap = max((len(each) for each in self._candidates if begun.startswith(each)), default=0)
        if overlap:
            return self._held.lstrip(_OPENING)[overlap:]
        return _separator(self._end, self._held) + self._held


def _fold(text: str) -> str:
    """``text`` in one letter case, with the same length."""
    return "".join(folded if len(folded := character.lower()) == 1 else character for character in text)


def _word_starts(text: str) -> list[int]:
    """Where the words of ``text`` begin."""
    inner = [n for n, (before, after) in enumerate(pairwise(text), 1) if after.isalnum() and not before.isalnum()]
    return [0, *inner] if text[:1].isalnum() else inner


def _separator(prefix: str, continuation: str) -> str:
    joined = prefix[-1:].isalnum() and continuation[:1].isalnum()
    return " " if joined else ""
