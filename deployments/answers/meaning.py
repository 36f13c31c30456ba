"""Matching by meaning: sentence embeddings find an entry whose words a message does not share.

Each question and alternative is a unit vector; a message scores 100 · cosine similarity with the nearest one of an
entry. An entry answers when its score reaches the threshold and leads the next answer by the margin, and the message
agrees with it (:mod:`deployments.answers.qualifiers`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deployments.answers.answer_renderer import AnswerRenderer, UtcClock, primary_language
from deployments.answers.entry_diff import EntryDiff
from deployments.answers.normalise import normalised_words
from deployments.answers.qualifiers import disagreements, names_another_thing
from deployments.contracts.events import AnswerMatch
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.match_report import Refusal, StageCandidate, StageReport
from deployments.contracts.settings import FaqSettings
from deployments.text.language import UNDETERMINED, detect_language

Vectors = NDArray[np.float32]

_MIN_WORDS = 2
_MAX_WORDS = 40
"""Single words and long texts have no reliable meaning of their own."""
_MAX_CHARACTERS = 600
"""The time of the encoder grows with the length of a text, of a long word more than with its square."""
_BATCH = 64


class SentenceEncoder(Protocol):
    def encode(self, texts: Sequence[str]) -> Vectors:
        """One unit vector (float32) for each text, as rows. May be called from any thread."""
        ...


@dataclass(frozen=True, slots=True)
class _Trigger:
    entry: FaqEntry
    text: str


_Found = tuple[float, _Trigger]
"""The score of a trigger, 0..100."""


class MeaningIndex:
    """Immutable once built; ``match`` may be called from any thread. Disabled entries are not in it.

    An index made after another (``previous``) encodes only the entries that changed.
    """

    def __init__(
        self,
        entries: tuple[FaqEntry, ...],
        settings: FaqSettings,
        time_zone: str,
        clock: UtcClock,
        encoder: SentenceEncoder,
        previous: "MeaningIndex | None" = None,
    ) -> None:
        self._settings = settings
        self._renderer = AnswerRenderer(time_zone, clock)
        self._encoder = encoder
        self._entries = tuple(entry for entry in entries if entry.enabled)
        change = EntryDiff.between(previous._entries if previous else (), self._entries)
        self._triggers, self._vectors = self._kept(previous, change)
        added = [_Trigger(entry, text) for entry in change.added for text in (entry.question, *entry.alternatives)]
        if added:
            self._triggers = [*self._triggers, *added]
            self._vectors = np.concatenate((self._vectors, self._encode([trigger.text for trigger in added])))

    def match(self, text: str, locale: str | None) -> AnswerMatch | None:
        """The answer whose meaning is near enough, or None.

        An entry in another language than the message (``locale``, or what its letters tell) counts only where the
        setting allows it and no entry in that language means the same.
        """
        ranked, _ = self._ranked(text, locale)
        if not ranked or self._refusals(ranked, 0, text):
            return None
        return self._rendered(*ranked[0])

    def explain(self, text: str, locale: str | None, limit: int) -> StageReport:
        """The ``limit`` nearest entries, whatever their score and language, and why they do not answer."""
        ranked, foreign = self._ranked(text, locale)
        found = [
            StageCandidate(self._rendered(*each), self._refusals(ranked, place, text))
            for place, each in enumerate(ranked[:limit])
        ]
        found += [StageCandidate(self._rendered(*each), ("language",)) for each in foreign[:limit]]
        found.sort(key=lambda each: (bool(each.refusals), -each.match.score))
        return StageReport(
            "meaning",
            tuple(found[:limit]),
            self._settings.meaning_threshold,
            self._settings.meaning_margin,
            "" if _has_meaning(text) else "length",
        )

    def _refusals(self, ranked: list[_Found], place: int, text: str) -> tuple[Refusal, ...]:
        score, best = ranked[place]
        refusals: list[Refusal] = ["nearer"] if place else []
        if score < self._settings.meaning_threshold:
            refusals.append("threshold")
        rival = next((other for other, trigger in ranked[1:] if trigger.entry.answer != best.entry.answer), 0.0)
        if not place and score - rival < self._settings.meaning_margin:
            refusals.append("margin")
        disagreeing = disagreements(text, best.entry, best.text)
        if "subject" not in disagreeing and names_another_thing(text, best.text):
            refusals.append("subject")
        return (*refusals, *disagreeing)

    def _rendered(self, score: float, trigger: _Trigger) -> AnswerMatch:
        return self._renderer.render_match(trigger.entry, "meaning", score, trigger.text)

    def _ranked(self, text: str, locale: str | None) -> tuple[list[_Found], list[_Found]]:
        """The best trigger of each entry, best first: those that may answer, and those in another language."""
        language = primary_language(locale) if locale else detect_language(text, UNDETERMINED)
        if not self._triggers or not _has_meaning(text):
            return [], []
        scores = self._vectors @ self._encoder.encode([text])[0]
        chosen: dict[int, _Found] = {}
        foreign: dict[int, _Found] = {}
        for slot in np.argsort(-scores)[:_BATCH].tolist():
            trigger = self._triggers[slot]
            if trigger.entry.id not in chosen and trigger.entry.id not in foreign:
                into = chosen if self._is_allowed(slot, trigger.entry, language) else foreign
                into[trigger.entry.id] = (round(float(scores[slot]) * 100, 1), trigger)
        return list(chosen.values()), list(foreign.values())

    def _is_allowed(self, slot: int, entry: FaqEntry, language: str) -> bool:
        if not language or entry.language == language:
            return True
        return self._settings.meaning_across_languages and not self._has_sibling(slot, language)

    def _has_sibling(self, slot: int, language: str) -> bool:
        """Whether an entry in ``language`` means what the trigger at ``slot`` means."""
        near = self._vectors @ self._vectors[slot] >= self._settings.meaning_threshold / 100
        return any(self._triggers[other].entry.language == language for other in np.flatnonzero(near).tolist())

    def _kept(self, previous: "MeaningIndex | None", change: EntryDiff) -> tuple[list[_Trigger], Vectors]:
        if previous is None:
            return [], np.empty((0, len(self._encoder.encode(["."])[0])), np.float32)
        gone = {entry.id for entry in change.removed}
        slots = [slot for slot, trigger in enumerate(previous._triggers) if trigger.entry.id not in gone]
        return [previous._triggers[slot] for slot in slots], previous._vectors[slots]

    def _encode(self, texts: list[str]) -> Vectors:
        texts = [text[:_MAX_CHARACTERS] for text in texts]
        batches = [self._encoder.encode(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        return np.concatenate(batches).astype(np.float32, copy=False)


def _has_meaning(text: str) -> bool:
    return len(text) <= _MAX_CHARACTERS and _MIN_WORDS <= len(normalised_words(text)) <= _MAX_WORDS
