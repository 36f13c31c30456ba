"""How far a text was spoken when its voice fell silent, and from where another voice goes on."""

from deployments.contracts.audio import SpeechChunk

_CLAUSE_ENDS = frozenset(",;:.!?…—–")
_WIDE_CLAUSE_ENDS = frozenset("。，、；：！？")
_CLOSERS = frozenset(")]}»“”\"'’")
_MAX_CLAUSE_CHARS = 80
_SHORTEST_PART_CHARS = 40
_CHARACTERS_PER_SECOND = 13.0
"""Slow speech, in Russian and in English: what was said may be repeated, but nothing is left out."""
_ROUNDING = 0.5
_SHORTEST_CLAUSE_CHARS = 12


def estimate_characters(seconds: float, speed: float) -> float:
    """The characters that were certainly spoken in ``seconds`` at ``speed``."""
    return seconds * speed * _CHARACTERS_PER_SECOND


def clause_starts(text: str) -> list[int]:
    """Where the clauses of ``text`` begin. A clause of more than 80 characters is divided between words."""
    starts = [0]
    for position in range(1, len(text)):
        if not text[position].isspace() and _begins_clause(text, position):
            starts.append(position)
    return [
        part for start, end in zip(starts, [*starts[1:], len(text)], strict=True) for part in _parts(text, start, end)
    ]


def _begins_clause(text: str, position: int) -> bool:
    before = position - 1
    if text[before] in _WIDE_CLAUSE_ENDS:
        return True
    if not text[before].isspace():
        return False
    while before > 0 and (text[before].isspace() or text[before] in _CLOSERS):
        before -= 1
    return text[before] in _CLAUSE_ENDS or text[before] in _WIDE_CLAUSE_ENDS


def _parts(text: str, start: int, end: int) -> list[int]:
    """The starts of the parts of one clause."""
    starts = [start]
    while end - starts[-1] > _MAX_CLAUSE_CHARS:
        gap = text.rfind(" ", starts[-1] + _SHORTEST_PART_CHARS, starts[-1] + _MAX_CLAUSE_CHARS)
        starts.append(gap + 1 if gap >= 0 else starts[-1] + _MAX_CLAUSE_CHARS)
    return starts


class SpokenText:
    """Follows the audio of ``text``, which is spoken in parts: a part by one voice, the rest by another one.

    How much of a part was spoken is what its engine says or, if it does not, what the length of the audio tells.
    """

    def __init__(self, text: str, speed: float = 1.0) -> None:
        self._text = text
        self._speed = speed
        self._start = self._end = 0
        self._seconds = 0.0
        self._reported: float | None = None
        self._parts = 0

    @property
    def begun(self) -> bool:
        """Whether the current part has audio."""
        return self._seconds > 0

    @property
    def share(self) -> float:
        """The part of the whole text that was spoken, 0..1."""
        return min(1.0, self._position() / max(1, len(self._text)))

    def begin(self, *, first_clause: bool = False) -> str:
        """The next part: the text from the first clause that was not spoken to its end, or that clause alone. The first
        part is the whole text. Empty when only marks and spaces are left."""
        start = self._rest_start() if self._parts else 0
        clauses = [clause for clause in clause_starts(self._text) if clause >= start + _SHORTEST_CLAUSE_CHARS]
        self._parts += 1
        self._start, self._end = start, clauses[0] if first_clause and clauses else len(self._text)
        self._seconds, self._reported = 0.0, None
        part = self._text[start : self._end]
        return part if self._parts == 1 or any(character.isalnum() for character in part) else ""

    def add(self, chunk: SpeechChunk) -> None:
        """Counts audio of the current part."""
        self._seconds += chunk.seconds
        if chunk.spoken is not None:
            self._reported = min(1.0, max(chunk.spoken, self._reported or 0.0))

    def end_part(self) -> None:
        """The current part was spoken to its end."""
        self._reported = 1.0

    def _position(self) -> float:
        length = self._end - self._start
        if self._reported is not None:
            return self._start + self._reported * length
        return self._start + min(length, estimate_characters(self._seconds, self._speed))

    def _rest_start(self) -> int:
        """Where the clause begins that was not spoken to its end. An estimate always leaves the last clause."""
        position = self._position() + _ROUNDING
        while position < len(self._text) and self._text[int(position)].isspace():
            position += 1
        if self._reported is not None and position >= len(self._text):
            return len(self._text)
        return max(start for start in clause_starts(self._text) if start <= position)
