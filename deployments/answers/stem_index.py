"""Which prepared questions have which stems. Immutable; a successor shares what stays.

Questions live in numbered slots, so that an array of scores has one place for each. The slot of a question that is gone
is empty, found by no stem, until a new question takes it: no other question moves.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from deployments.answers.tokenized_text import TokenizedText
from deployments.contracts.settings import FaqEntry

Slots = NDArray[np.intp]
Postings = Mapping[str, Slots]
Alphabet = Mapping[str, Sequence[str]]

_NO_SLOTS: Slots = np.zeros(0, np.intp)
_LEAST_WEIGHT = 1e-9


@dataclass(frozen=True, slots=True)
class IndexedQuestion:
    """One of the questions of ``entry``, as the operator wrote it, and what it is about."""

    entry: FaqEntry
    text: str
    tokens: TokenizedText


@dataclass(frozen=True, slots=True)
class StemIndex:
    """``questions``, ``weights`` and ``negated`` are by slot. ``postings``: stem -> the slots that have it.
    ``alphabet``: first letter -> stems, sorted."""

    questions: Sequence[IndexedQuestion | None] = ()
    weights: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0, np.float64))
    negated: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    postings: Postings = field(default_factory=dict)
    alphabet: Alphabet = field(default_factory=dict)

    def updated(self, removed: Iterable[FaqEntry], added: Sequence[IndexedQuestion]) -> "StemIndex":
        """Without the entries ``gone`` and with the questions ``come``, in whose order those of an entry are kept."""
        found = self._without({entry.id for entry in removed})._with(added)
        return replace(found, alphabet=_alphabet(self.alphabet, self.postings, found.postings))

    def _without(self, ids: set[int]) -> "StemIndex":
        went = {slot: t for slot, t in enumerate(self.questions) if t is not None and t.entry.id in ids}
        questions = [None if slot in went else trigger for slot, trigger in enumerate(self.questions)]
        postings = dict(self.postings)
        for stem, slots in _slots_by_stem(went).items():
            postings[stem] = np.setdiff1d(postings[stem], slots, assume_unique=True)
            if not len(postings[stem]):
                del postings[stem]
        return replace(self, questions=questions, postings=postings)

    def _with(self, come: Sequence[IndexedQuestion]) -> "StemIndex":
        placed = dict(zip(self._places(len(come)), come, strict=True))
        more = max(0, max(placed, default=-1) + 1 - len(self.questions))
        questions, postings = [*self.questions, *[None] * more], dict(self.postings)
        weights = np.concatenate((self.weights, np.ones(more, np.float64)))
        negated = np.concatenate((self.negated, np.zeros(more, np.bool_)))
        for slot, trigger in placed.items():
            questions[slot] = trigger
            weights[slot], negated[slot] = max(trigger.tokens.weight, _LEAST_WEIGHT), trigger.tokens.negated
        for stem, slots in _slots_by_stem(placed).items():
            postings[stem] = np.concatenate((postings.get(stem, _NO_SLOTS), np.array(slots, np.intp)))
        return replace(self, questions=questions, weights=weights, negated=negated, postings=postings)

    def _places(self, count: int) -> list[int]:
        """Slots for ``count`` more questions, ascending: empty ones, then new ones."""
        empty = [slot for slot, trigger in enumerate(self.questions) if trigger is None][:count]
        return [*empty, *range(len(self.questions), len(self.questions) + count - len(empty))]


def _slots_by_stem(questions: Mapping[int, IndexedQuestion]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for slot, trigger in questions.items():
        for stem in trigger.tokens.stems:
            found[stem].append(slot)
    return found


def _alphabet(known: Alphabet, before: Postings, after: Postings) -> Alphabet:
    moved = {stem[0] for stem in before.keys() ^ after.keys()}
    found: dict[str, list[str]] = defaultdict(list)
    for stem in sorted(stem for stem in after if stem[0] in moved):
        found[stem[0]].append(stem)
    return {letter: stems for letter, stems in known.items() if letter not in moved} | found
