"""Splits streamed text into pieces for speech synthesis: sentences, and an early first clause.

Pieces end at white space. White space is judged when the character after it is known, so the result depends on the text
alone and not on how it is divided into deltas: "10." is not a sentence end while "5" may follow.
"""

from itertools import pairwise

from deployments.text.abbreviations import BEFORE_A_NUMBER_ONLY, Lexicon, lexicon_for

_STOPS = ".!?…"
_OPENERS = "([{«„“\"'‘*_`~>"
_CLOSERS = ")]}»“”\"'’*_`~"
_DASHES = ("—", "–", "-")
_CLAUSE_ENDS = (",", ";", ":", "—", "–")
_FENCE = "```"
_MAX_FENCE_CHARS = 4_000
_MAX_LIST_DIGITS = 2


class SentenceStream:
    """Splits text deltas into pieces. The first piece may end at a clause, later ones at a sentence or line end.

    ``language`` "ru" or "en" selects the abbreviations, None uses both. The first piece is a clause of at least
    ``first_min`` characters. It is cut before a conjunction or between words when it exceeds ``first_max``. With
    ``first_clause`` False it is a whole sentence. No piece is longer than ``max_chars``, except a fenced code block of
    up to 4,000 characters. Joined with spaces, the pieces are the text up to white space.
    """

    def __init__(
        self,
        language: str | None = None,
        first_clause: bool = True,
        *,
        first_min: int = 15,
        first_max: int = 60,
        max_chars: int = 300,
    ) -> None:
        if not 0 < first_min <= first_max <= max_chars:
            raise ValueError("first_min, first_max and max_chars must be positive and rise")
        self._words = lexicon_for(language)
        self._first = first_clause
        self._first_min, self._first_max, self._max_chars = first_min, first_max, max_chars
        self._buffer = ""
        self._scanned = 0

    @property
    def pending(self) -> str:
        """Text that is not part of a piece yet."""
        return self._buffer.rstrip()

    def feed(self, delta: str) -> list[str]:
        """Adds ``delta`` and returns the complete pieces."""
        pieces = []
        # Slices keep the buffer small when a whole text is passed at once.
        for start in range(0, len(delta), self._max_chars):
            self._buffer = _joined(self._buffer, delta[start : start + self._max_chars])
            pieces += self._drain()
        return pieces

    def finish(self) -> list[str]:
        """Returns the rest as one piece, or nothing. Later pieces are whole sentences."""
        rest = self.pending
        self._buffer, self._scanned = "", 0
        return [rest] if rest else []

    def _drain(self) -> list[str]:
        pieces = []
        while (cut := self._next_cut()) is not None:
            pieces.append(self._buffer[:cut].rstrip())
            self._buffer = self._buffer[cut:].lstrip()
            self._scanned, self._first = 0, False
        return pieces

    def _next_cut(self) -> int | None:
        """The end of the first piece in the buffer, or None while it is undecided."""
        text, length = self._buffer, len(self._buffer.rstrip())
        limit = self._limit()
        while (gap := _next_gap(text, self._scanned)) is not None and gap <= min(limit, length - 1):
            if self._first and gap > self._first_max and (cut := self._early_cut()) is not None:
                return cut
            if self._ends_at(gap):
                return gap
            self._scanned = gap + 1
        if self._first and length > self._first_max and (cut := self._early_cut()) is not None:
            return cut
        return self._forced_cut(limit) if length > limit else None

    def _limit(self) -> int:
        return _MAX_FENCE_CHARS if self._buffer.startswith(_FENCE) else self._max_chars

    def _ends_at(self, gap: int) -> bool:
        text = self._buffer
        if text.startswith(_FENCE):
            return gap >= 2 * len(_FENCE) and text[:gap].endswith(_FENCE)
        if text[gap] == "\n" or _ends_sentence(text, gap, self._words):
            return True
        return self._first and gap >= self._first_min and _ends_clause(text, gap)

    def _early_cut(self) -> int | None:
        """The best cut of a long first sentence without punctuation, between ``first_min`` and ``first_max``."""
        text = self._buffer
        if text.startswith(_FENCE):
            return None
        gaps = [gap for gap in _gaps(text, self._first_max) if gap >= self._first_min]
        before_conjunction = [gap for gap, after in pairwise(gaps) if text[gap + 1 : after] in self._words.conjunctions]
        after_long_word = [gap for gap in gaps if len(_word_before(text, gap)) > 3 and not _splits_a_number(text, gap)]
        return next((found[-1] for found in (before_conjunction, after_long_word) if found), None)

    def _forced_cut(self, limit: int) -> int:
        """The cut of a sentence that is too long: at a clause in its second half, at a space, or anywhere."""
        text = self._buffer
        gaps = [gap for gap in _gaps(text, limit) if gap > limit // 2]
        clauses = [gap for gap in gaps if _ends_clause(text, gap)]
        return next((found[-1] for found in (clauses, gaps, _gaps(text, limit)) if found), limit)


def split_sentences(
    text: str, language: str | None = None, *, first_clause: bool = False, max_chars: int = 300
) -> list[str]:
    """Splits a whole text by the rules of ``SentenceStream``."""
    stream = SentenceStream(language, first_clause, max_chars=max_chars)
    return stream.feed(text) + stream.finish()


def _joined(buffer: str, delta: str) -> str:
    """``buffer`` + ``delta``, where each run of white space becomes one newline, if it contains one, or one space."""
    text = buffer[len(buffer.rstrip()) :] + delta
    words = text.split()
    if not words:
        return buffer.rstrip() + _space(text) if buffer.rstrip() else ""
    parts, position = [buffer.rstrip()], 0
    for word in words:
        start = text.index(word, position)
        parts += (_space(text[position:start]), word)
        position = start + len(word)
    return "".join((*parts, _space(text[position:]))).lstrip()


def _space(run: str) -> str:
    if not run:
        return ""
    return "\n" if "\n" in run or "\r" in run or "\u2029" in run else " "


def _next_gap(text: str, start: int) -> int | None:
    found = [gap for gap in (text.find(" ", start), text.find("\n", start)) if gap >= 0]
    return min(found, default=None)


def _gaps(text: str, limit: int) -> list[int]:
    return [gap for gap in range(1, min(limit + 1, len(text))) if text[gap] in " \n"]


def _word_before(text: str, gap: int) -> str:
    start = max(text.rfind(" ", 0, gap), text.rfind("\n", 0, gap)) + 1
    return text[start:gap]


def _splits_a_number(text: str, gap: int) -> bool:
    return text[gap - 1].isdigit() and text[gap + 1].isdigit()


def _ends_clause(text: str, gap: int) -> bool:
    """Whether a comma, semicolon, colon or dash precedes the gap. A dash between numbers is a range."""
    word = _word_before(text, gap).rstrip(_CLOSERS)
    if not word.endswith(_CLAUSE_ENDS):
        return word == "-" and not text[gap + 1].isdigit()
    return word not in _DASHES or not text[gap + 1].isdigit()


def _ends_sentence(text: str, gap: int, words: Lexicon) -> bool:
    word, after = _word_before(text, gap), text[gap + 1]
    bare = word.rstrip(_CLOSERS)
    if not bare.endswith(tuple(_STOPS)) or after.islower() or after in _DASHES or after in ",;:":
        return False
    if not bare.endswith(".") or bare.endswith(".."):
        return True
    return not _is_abbreviation(text, gap, bare.lstrip(_OPENERS), words)


def _is_abbreviation(text: str, gap: int, word: str, words: Lexicon) -> bool:
    """Whether the full stop of ``word`` (before ``gap``) belongs to an abbreviation."""
    stem, key, after = word[:-1], word.lower(), text[gap + 1]
    start = gap - len(_word_before(text, gap))
    before = _word_before(text, start - 1) if start > 0 else ""
    if stem.isdigit():
        return start == 0 and len(stem) <= _MAX_LIST_DIGITS
    initial = len(stem) == 1 and stem.isupper()
    if key in words.closing and not initial and (key not in words.leading or _follows_a_number(before)):
        return False
    if key in BEFORE_A_NUMBER_ONLY and len(stem) > 1:
        return after.isdigit()
    if len(stem) == 1 and stem.isalpha():
        return not (before.lower() == "т." and key in ("д.", "п."))
    return key in words.leading


def _follows_a_number(before: str) -> bool:
    return before[-1:].isdigit() or before.endswith(("%", "тыс.", "млн."))
