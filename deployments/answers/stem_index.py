"""An immutable inverted index: stem -> FAQ questions. An updated index shares its unchanged parts.

Each question has a slot number, which is its position in an array of scores. The slot of a removed question stays empty
until a new question takes it, so other questions keep their slots.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from deployments.answers.tokenized_text import TokenizedText
from deployments.contracts.faq_entry import FaqEntry

Slots = NDArray[np.intp]
Postings = Mapping[str, Slots]
Alphabet = Mapping[str, Sequence[str]]

_NO_SLOTS: Slots = np.zeros(0, np.intp)
_LEAST_WEIGHT = 1e-9


@dataclass(frozen=True, slots=True)
class IndexedQuestion:
    """One question of ``entry`` and its tokens."""

    entry: FaqEntry
    text: str
    tokens: TokenizedText


@dataclass(frozen=True, slots=True)
class StemIndex:
    """``questions``, ``weights`` and ``negated`` are indexed by slot. ``postings``: stem -> its slots. ``alphabet``:
    first letter -> sorted stems."""

    questions: Sequence[IndexedQuestion | None] = ()
    weights: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0, np.float64))
    negated: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    postings: Postings = field(default_factory=dict)
    alphabet: Alphabet = field(default_factory=dict)

    def updated(self, removed: Iterable[FaqEntry], added: Sequence[IndexedQuestion]) -> "StemIndex":
        """The index without the entries ``removed`` and with the questions ``added``, in their order."""
        index = self._without({entry.id for entry in removed})._with(added)
        return replace(index, alphabet=_alphabet(self.alphabet, self.postings, index.postings))

    def _without(self, ids: set[int]) -> "StemIndex":
        removed_slots = {slot: t for slot, t in enumerate(self.questions) if t is not None and t.entry.id in ids}
        questions = [None if slot in removed_slots else question for slot, question in enumerate(self.questions)]
        postings = dict(self.postings)
        for stem, slots in _slots_by_stem(removed_slots).items():
            postings[stem] = np.setdiff1d(postings[stem], slots, assume_unique=True)
            if not len(postings[stem]):
                del postings[stem]
        return replace(self, questions=questions, postings=postings)

    def _with(self, added: Sequence[IndexedQuestion]) -> "StemIndex":
        placed = dict(zip(self._free_slots(len(added)), added, strict=True))
        more = max(0, max(placed, default=-1) + 1 - len(self.questions))
        questions, postings = [*self.questions, *[None] * more], dict(self.postings)
        weights = np.concatenate((self.weights, np.ones(more, np.float64)))
        negated = np.concatenate((self.negated, np.zeros(more, np.bool_)))
        for slot, question in placed.items():
            questions[slot] = question
            weights[slot], negated[slot] = max(question.tokens.weight, _LEAST_WEIGHT), question.tokens.negated
        for stem, slots in _slots_by_stem(placed).items():
            postings[stem] = np.concatenate((postings.get(stem, _NO_SLOTS), np.array(slots, np.intp)))
        return replace(self, questions=questions, weights=weights, negated=negated, postings=postings)

    def _free_slots(self, count: int) -> list[int]:
        """``count`` free slots in ascending order: empty ones first, then new ones."""
        empty = [slot for slot, question in enumerate(self.questions) if question is None][:count]
        return [*empty, *range(len(self.questions), len(self.questions) + count - len(empty))]


def _slots_by_stem(questions: Mapping[int, IndexedQuestion]) -> dict[str, list[int]]:
    slots: dict[str, list[int]] = defaultdict(list)
    for slot, question in questions.items():
        for stem in question.tokens.stems:
            slots[stem].append(slot)
    return slots


def _alphabet(known: Alphabet, before: Postings, after: Postings) -> Alphabet:
    changed_letters = {stem[0] for stem in before.keys() ^ after.keys()}
    stems_by_letter: dict[str, list[str]] = defaultdict(list)
    for stem in sorted(stem for stem in after if stem[0] in changed_letters):
        stems_by_letter[stem[0]].append(stem)
    kept = {letter: stems for letter, stems in known.items() if letter not in changed_letters}
    return kept | stems_by_letter
