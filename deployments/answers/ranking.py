"""Ranks FAQ questions by similarity to a message whose words differ in form, order or spelling.

Every question and alternative is a set of weighted stems in an inverted index. The score of a message is

    100 · covered · (1 − extra · penalty) · (0.8 if only one of the two is negated)

``covered`` is the share of the question's weight that the message contains. ``extra`` is the share of the message's
weight that the question does not contain. ``penalty`` is 1.05 / weight of the question, clamped to 0.3..1: a longer
question tolerates more extra words. A question with one other content word ("сколько стоит ремонт" for "сколько стоит
доставка") therefore stays below the threshold. Misspelt words count with their similarity (rapidfuzz ``ratio``) when
they start with the same letter and reach 0.85.

A question of function words only ("See you", "How much is it") matches only a message with the same function words in
any order, apart from particles and courtesies.
"""

from collections.abc import Callable

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
from deployments.answers.qualifiers import disagreements, names_another_thing
from deployments.answers.stem_index import IndexedQuestion, StemIndex
from deployments.answers.tokenized_text import TokenizedText, tokenize_text
from deployments.contracts.events import AnswerMatch
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.match_report import Refusal, StageCandidate, StageReport
from deployments.contracts.settings import FaqSettings

_MIN_PENALTY = 0.3
_PENALTY = 1.05
"""At the threshold of 82, a question of two words and an interrogative tolerates one extra word."""
_NEGATION_FACTOR = 0.8
_MIN_SIMILARITY = 85.0
_MIN_FUZZY_LENGTH = 4
_MAX_FUZZY_WORDS = 24
_Floats = NDArray[np.float64]


class Ranking:
    """An immutable ranking of the enabled entries. Thread-safe.

    ``previous`` is the ranking of a former set of entries: building the new one then costs what changed. Both need the
    same ``tokenize``.
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
        self._renderer = AnswerRenderer(time_zone, clock)
        self._tokenize = tokenize
        self._entries = tuple(entry for entry in entries if entry.enabled)
        diff = EntryDiff.between(previous._entries if previous else (), self._entries)
        added = [IndexedQuestion(e, text, tokenize(text)) for e in diff.added for text in (e.question, *e.alternatives)]
        self._index: StemIndex = (previous._index if previous else StemIndex()).updated(diff.removed, added)
        self._penalties = np.clip(_PENALTY / self._index.weights, _MIN_PENALTY, 1.0)

    def match(self, text: str, locale: str | None) -> AnswerMatch | None:
        """The best match when it scores at least ``ranked_threshold`` and beats the best other answer by
        ``ranked_margin``. Answers in another language than ``locale`` are not compared."""
        ranked = self._ranked(
            self._tokenize(text), locale, self._settings.ranked_threshold - self._settings.ranked_margin
        )
        if not ranked or self._refusals(ranked, 0, text, locale):
            return None
        score, best = ranked[0]
        return self._renderer.render_match(best.entry, "ranked", score, best.text)

    def explain(self, text: str, locale: str | None, limit: int) -> StageReport:
        """The ``limit`` best entries, whatever their score, and why they do not answer."""
        ranked = self._ranked(self._tokenize(text), locale, 0.0)
        return StageReport(
            "ranked",
            tuple(
                StageCandidate(
                    self._renderer.render_match(found.entry, "ranked", score, found.text),
                    self._refusals(ranked, place, text, locale),
                )
                for place, (score, found) in enumerate(ranked[: max(limit, 0)])
            ),
            self._settings.ranked_threshold,
            self._settings.ranked_margin,
        )

    def _refusals(
        self, ranked: list[tuple[float, IndexedQuestion]], place: int, text: str, locale: str | None
    ) -> tuple[Refusal, ...]:
        score, best = ranked[place]
        refusals: list[Refusal] = ["nearer"] if place else []
        if score < self._settings.ranked_threshold:
            refusals.append("threshold")
        rival = next((s for s, other in ranked[1:] if _compete(best.entry, other.entry, locale)), 0.0)
        if not place and score - rival < self._settings.ranked_margin:
            refusals.append("margin")
        disagreeing = disagreements(text, best.entry, best.text)
        if "subject" not in disagreeing and names_another_thing(text, best.text):
            refusals.append("subject")
        return (*refusals, *disagreeing)

    def _ranked(self, message: TokenizedText, locale: str | None, floor: float) -> list[tuple[float, IndexedQuestion]]:
        """The best question of each entry that scores above ``floor``, best first."""
        if sum(map(len, message.source_words.values())) < MIN_MESSAGE_LENGTH:
            return []
        scores = self._scores(message)
        chosen: dict[int, tuple[float, IndexedQuestion]] = {}
        for slot in np.flatnonzero(scores > max(floor - 1e-9, 0.0)).tolist():
            score, question = round(float(scores[slot]), 1), self._index.questions[slot]
            if not question or not question.tokens.accepts(message):
                continue
            if question.entry.id not in chosen or score > chosen[question.entry.id][0]:
                chosen[question.entry.id] = (score, question)
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
        """Indexed stem -> (similarity 0..1, weight) for stems that equal or resemble a stem of the message."""
        found: dict[str, tuple[float, float]] = {}
        for position, (key, weight) in enumerate(message.stems.items()):
            if key in self._index.postings:
                found[key] = (1.0, weight)
            if position >= _MAX_FUZZY_WORDS:
                continue
            for other, similarity in self._similar_stems(key):
                if similarity > found.get(other, (0.0, 0.0))[0]:
                    found[other] = (similarity, weight)
        return found

    def _similar_stems(self, key: str) -> list[tuple[str, float]]:
        if len(key) < _MIN_FUZZY_LENGTH:
            return []
        known = self._index.alphabet.get(key[0], [])
        near = process.extract(key, known, scorer=fuzz.ratio, score_cutoff=_MIN_SIMILARITY, limit=4)
        return [(other, score / 100.0) for other, score, _ in near]


def _compete(best: FaqEntry, other: FaqEntry, locale: str | None) -> bool:
    if other.answer == best.answer:
        return False
    preferred = locale is not None and best.language == primary_language(locale)
    return not (preferred and other.language != best.language)
