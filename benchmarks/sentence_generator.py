"""Generates English sentences of a given length without repeated clauses, so that no phrase cache applies."""

import itertools
import random
from collections.abc import Iterator

_WHO = ("The gardener", "A young sailor", "My neighbour", "The old teacher", "Her brother", "The night porter")
_DID = ("carried", "painted", "forgot", "repaired", "borrowed", "described", "watched", "counted")
_WHAT = ("a silver lamp", "the garden gate", "seven letters", "the broken clock", "a heavy trunk", "two white horses")
_WHERE = ("near the river", "behind the station", "in the morning", "before the storm", "at the market", "for a friend")
_SHORT = 30
_SEED = 7_919


class SentenceGenerator:
    """Draws clauses in a fixed random order."""

    def __init__(self) -> None:
        clauses = list(itertools.product(_WHO, _DID, _WHAT, _WHERE))
        random.Random(_SEED).shuffle(clauses)
        self._clauses = iter(clauses)
        self._short = self._unique_short(list(clauses))

    def sentence(self, characters: int, separator: str = ", ") -> str:
        """One sentence of about ``characters`` whose clauses are joined by ``separator``."""
        if characters < _SHORT:
            return next(self._short)
        text = " ".join(next(self._clauses))
        while len(text) < characters - 25:
            clause = " ".join(next(self._clauses))
            text += separator + clause[0].lower() + clause[1:]
        return text + "."

    @staticmethod
    def _unique_short(clauses: list[tuple[str, str, str, str]]) -> Iterator[str]:
        return iter(
            {f"{who.split()[-1].capitalize()} {did} {what.split()[-1]}.": None for who, did, what, _ in clauses}
        )
