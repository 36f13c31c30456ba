"""Finding the prepared question that a message means, though its words differ in form, order or spelling.

Every question and alternative is a bag of weighted stems in an inverted index. A message scores

    100 · covered · (1 − extra · penalty) · (0.8 if only one of the two is negated)

where ``covered`` is the share of the question's weight found in the message and ``extra`` the share of the message's
weight that the question does not have. ``penalty`` is 1.05 / weight of the question, within 0.3..1: the more a question
says, the more a message may add. So a question with one other content word ("сколько стоит ремонт" for "сколько стоит
доставка", "где находится туалет" for "где вы находитесь") stays below any sensible threshold, a message may say a
little more than the question, and an essay that happens to contain it does not match. Misspelt or differently stemmed
words count with their similarity (rapidfuzz ``ratio``: 2·matches / total length) when they begin with the same letter
and reach 0.85.

A question that has next to nothing but small words ("See you", "Какое число", "How much is it") is *thin* and takes no
part unless the message has the same small words, in any order, particles and courtesies apart: "I see" is no goodbye.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from deployments.answers.answer_renderer import (
    MIN_MESSAGE_LENGTH,
    AnswerRenderer,
    UtcClock,
    preference_key,
    primary_language,
)
from deployments.answers.entry_diff import EntryDiff
from deployments.answers.stem_index import IndexedQuestion, StemIndex
from deployments.answers.tokenized_text import TokenizedText, tokenize_text
from deployments.contracts.events import AnswerMatch
from deployments.contracts.settings import FaqEntry, FaqSettings

_LOWEST_PENALTY = 0.3
_PENALTY = 1.05
"""Two words and an interrogative bear one foreign word at the threshold of 82, not two."""
_NEGATION_FACTOR = 0.8
_LOWEST_SIMILARITY = 85.0
_SHORTEST_FUZZY = 4
_MOST_FUZZY_WORDS = 24
_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RankedCandidate:
    """An entry that came near. ``missing``: words of its question that the message lacks; ``extra``: the reverse."""

    match: AnswerMatch
    missing: tuple[str, ...]
    extra: tuple[str, ...]


class Ranking:
    """Immutable once built; disabled entries are not in it. Safe from any thread.

    A ranking made after another (``before``) takes over what that one knows of the entries that are still the same: it
    costs what changed. ``read`` says what a text is about, the same for both.
    """

    def __init__(
        self,
        entries: tuple[FaqEntry, ...],
        settings: FaqSettings,
        time_zone: str,
        clock: UtcClock,
        previous: "Ranking | None" = None,
        tokenize: Callable[[str], TokenizedText] = tokenize_text,
    ) -> None:
        self._settings = settings
        self._teller = AnswerRenderer(time_zone, clock)
        self._read = tokenize
        self._entries = tuple(entry for entry in entries if entry.enabled)
        change = EntryDiff.between(previous._entries if previous else (), self._entries)
        come = [
            IndexedQuestion(e, text, tokenize(text)) for e in change.added for text in (e.question, *e.alternatives)
        ]
        self._index: StemIndex = (previous._index if previous else StemIndex()).updated(change.removed, come)
        self._penalties = np.clip(_PENALTY / self._index.weights, _LOWEST_PENALTY, 1.0)

    def match(self, text: str, locale: str | None) -> AnswerMatch | None:
        """The answer whose question scores at least ``ranked_threshold`` and beats the best other answer by
        ``ranked_margin``; a rival in another language than ``locale`` does not count."""
        ranked = self._ranked(self._read(text), locale, self._settings.ranked_threshold - self._settings.ranked_margin)
        if not ranked or ranked[0][0] < self._settings.ranked_threshold:
            return None
        score, best = ranked[0]
        rival = next((s for s, other in ranked[1:] if _rivals(best.entry, other.entry, locale)), 0.0)
        if score - rival < self._settings.ranked_margin:
            return None
        return self._teller.render_match(best.entry, "ranked", score, best.text)

    def candidates(self, text: str, locale: str | None, limit: int = 5) -> list[RankedCandidate]:
        """The ``limit`` nearest entries, best first, whatever their score: why a message matched or did not."""
        message = self._read(text)
        similar = self._similar(message)
        return [
            RankedCandidate(
                self._teller.render_match(trigger.entry, "ranked", score, trigger.text),
                tuple(word for key, word in trigger.tokens.source_words.items() if key not in similar),
                tuple(
                    word
                    for key, word in message.source_words.items()
                    if not self._near(key) & trigger.tokens.stems.keys()
                ),
            )
            for score, trigger in self._ranked(message, locale, 0.0)[: max(limit, 0)]
        ]

    def _ranked(self, message: TokenizedText, locale: str | None, floor: float) -> list[tuple[float, IndexedQuestion]]:
        """The best trigger of each entry that scores above ``floor``, best first."""
        if sum(map(len, message.source_words.values())) < MIN_MESSAGE_LENGTH:
            return []
        scores = self._scores(message)
        chosen: dict[int, tuple[float, IndexedQuestion]] = {}
        for slot in np.flatnonzero(scores > max(floor - 1e-9, 0.0)).tolist():
            score, trigger = round(float(scores[slot]), 1), self._index.questions[slot]
            if not trigger or not trigger.tokens.accepts(message):
                continue
            if trigger.entry.id not in chosen or score > chosen[trigger.entry.id][0]:
                chosen[trigger.entry.id] = (score, trigger)
        return sorted(chosen.values(), key=lambda found: (-found[0], *preference_key(found[1].entry, locale)))

    def _scores(self, message: TokenizedText) -> _Floats:
        covered = np.zeros(len(self._index.questions), np.float64)
        for key, (similarity, weight) in self._similar(message).items():
            covered[self._index.postings[key]] += similarity * weight
        share = np.minimum(covered / self._index.weights, 1.0)
        extra = 1.0 - np.minimum(covered / max(message.weight, 1e-9), 1.0)
        same = np.where(self._index.negated == message.negated, 1.0, _NEGATION_FACTOR)
        scores: _Floats = 100.0 * share * (1.0 - self._penalties * extra) * same
        return scores

    def _similar(self, message: TokenizedText) -> dict[str, tuple[float, float]]:
        """Known stems that are or resemble a stem of the message: similarity 0..1 and weight."""
        found: dict[str, tuple[float, float]] = {}
        for position, (key, weight) in enumerate(message.stems.items()):
            if key in self._index.postings:
                found[key] = (1.0, weight)
            if position >= _MOST_FUZZY_WORDS:
                continue
            for other, similarity in self._lookalikes(key):
                if similarity > found.get(other, (0.0, 0.0))[0]:
                    found[other] = (similarity, weight)
        return found

    def _near(self, key: str) -> set[str]:
        return {key, *(other for other, _ in self._lookalikes(key))}

    def _lookalikes(self, key: str) -> list[tuple[str, float]]:
        if len(key) < _SHORTEST_FUZZY:
            return []
        known = self._index.alphabet.get(key[0], [])
        near = process.extract(key, known, scorer=fuzz.ratio, score_cutoff=_LOWEST_SIMILARITY, limit=4)
        return [(other, score / 100.0) for other, score, _ in near]


def _rivals(best: FaqEntry, other: FaqEntry, locale: str | None) -> bool:
    if other.answer == best.answer:
        return False
    preferred = locale is not None and best.language == primary_language(locale)
    return not (preferred and other.language != best.language)
