"""How an FAQ answer is chosen. The first of these that finds an entry wins:

1. *exact*: the whole message is a question or an alternative of an entry (``answers/exact_match.py``).
2. *keyword*: a keyword of an entry occurs in the message (``answers/exact_match.py``).
3. *ranked*: the most similar question scores above the threshold (``answers/ranking.py``).
4. *meaning*: the question nearest in meaning scores above the threshold (``answers/meaning.py``).

A negation, another place or another day turns 2 to 4 off (``answers/qualifiers.py``). ``ExactAnswers`` serves 1 and
2 in the process of each door. ``SimilarAnswers`` serves 3 and 4 in the FAQ deployment, one hop away. ``FaqLookup``
applies the order. Without a match the language model answers (``answer_resolver.py``).
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from deployments.answers.answer_renderer import UtcClock
from deployments.answers.exact_match import ExactMatchIndex
from deployments.answers.meaning import MeaningIndex, SentenceEncoder
from deployments.answers.normalise import MAX_QUESTION_CHARS, normalise
from deployments.answers.ranking import Ranking
from deployments.answers.tokenized_text import TokenizedText, tokenize_text
from deployments.contracts.chat import ChatTurn
from deployments.contracts.engines import AnswerBook
from deployments.contracts.errors import SecretaryError
from deployments.contracts.events import AnswerMatch
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.match_report import MatchReport, StageReport, StageState
from deployments.contracts.settings import FaqSettings
from deployments.contracts.snapshot import Snapshot

log = logging.getLogger(__name__)

MAX_CANDIDATES = 5
"""Of each stage, in the report of the match tester."""


class ExactAnswers:
    """Exact and keyword matches, in memory. ``prepare`` is the ``SnapshotFeed`` hook and may run in a thread."""

    def __init__(self, clock: UtcClock, normalise_text: Callable[[str], str] = normalise) -> None:
        self._clock = clock
        self._normalise_text = normalise_text
        self._inputs: tuple[tuple[FaqEntry, ...], str] | None = None
        self._index: ExactMatchIndex | None = None

    def prepare(self, snapshot: Snapshot) -> None:
        """Updates the index. Costs what changed since the last snapshot."""
        inputs = (snapshot.faq, snapshot.settings.time_zone)
        if inputs != self._inputs:
            self._index = ExactMatchIndex(*inputs, self._clock, self._index, self._normalise_text)
            self._inputs = inputs

    def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        return self._index.lookup(text, locale) if self._index else None

    def explain(self, text: str, locale: str | None, limit: int) -> StageReport:
        return self._index.explain(text, locale, limit) if self._index else StageReport("exact", state="unavailable")


class RankedAnswers:
    """The ranking of similar questions. ``ranking`` is None before the first snapshot and after ``clear``."""

    def __init__(self, clock: UtcClock, tokenize: Callable[[str], TokenizedText] = tokenize_text) -> None:
        self._clock = clock
        self._tokenize = tokenize
        self._inputs: tuple[tuple[FaqEntry, ...], FaqSettings, str] | None = None
        self.ranking: Ranking | None = None

    def prepare(self, snapshot: Snapshot) -> None:
        """Updates the ranking. Costs what changed since the last snapshot."""
        inputs = (snapshot.faq, snapshot.settings.faq, snapshot.settings.time_zone)
        if inputs != self._inputs:
            self.ranking = Ranking(*inputs, self._clock, self.ranking, self._tokenize)
            self._inputs = inputs

    def clear(self) -> None:
        self.ranking = self._inputs = None


class MeaningAnswers:
    """The index of meanings. ``index`` is None before the first snapshot, after ``clear`` and while it is disabled."""

    def __init__(self, clock: UtcClock, encoder: SentenceEncoder) -> None:
        self._clock = clock
        self._encoder = encoder
        self._inputs: tuple[tuple[FaqEntry, ...], FaqSettings, str] | None = None
        self.index: MeaningIndex | None = None
        self.state: StageState = "unavailable"

    def prepare(self, snapshot: Snapshot) -> None:
        """Updates the index. Encodes what changed since the last snapshot: about a millisecond a question."""
        inputs = (snapshot.faq, snapshot.settings.faq, snapshot.settings.time_zone)
        if not snapshot.settings.faq.meaning_enabled:
            self.clear()
            self.state = "disabled"
        elif inputs != self._inputs:
            self.index = MeaningIndex(*inputs, self._clock, self._encoder, self.index)
            self._inputs = inputs

    def clear(self) -> None:
        self.index = self._inputs = None
        self.state = "unavailable"


class SimilarAnswers:
    """Ranked matches, then matches by meaning. Methods block for milliseconds: call them in a thread."""

    def __init__(self, ranked: RankedAnswers, meaning: MeaningAnswers) -> None:
        self.ranked = ranked
        self.meaning = meaning

    def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        if len(text) > MAX_QUESTION_CHARS:
            return None
        ranking, index = self.ranked.ranking, self.meaning.index
        match = ranking.match(text, locale) if ranking else None
        return match or (index.match(text, locale) if index else None)

    def explain(self, text: str, locale: str | None, limit: int) -> tuple[StageReport, StageReport]:
        """The ``limit`` nearest entries by rank and by meaning, and why they do not answer."""
        ranking, index, text = self.ranked.ranking, self.meaning.index, text[:MAX_QUESTION_CHARS]
        return (
            ranking.explain(text, locale, limit) if ranking else StageReport("ranked", state="unavailable"),
            index.explain(text, locale, limit) if index else StageReport("meaning", state=self.meaning.state),
        )

    def clear(self) -> None:
        self.ranked.clear()
        self.meaning.clear()


class FaqLookup:
    """Looks up the FAQ answer of a turn. ``ranked`` is None where the graph has no FAQ deployment; a ranked lookup
    takes at most ``timeout_s``.

    Turns that ask for JSON or for a tool call get no FAQ answer: the program that reads the reply could not use it. Nor
    do the results of a tool, questions about an image, and questions that an assistant message has answered.
    """

    def __init__(self, exact: ExactAnswers, ranked: AnswerBook | None, timeout_s: float = 1.0) -> None:
        self._exact = exact
        self._ranked = ranked
        self._timeout_s = timeout_s

    @property
    def has_ranking(self) -> bool:
        return self._ranked is not None

    def find_exact(self, turn: ChatTurn) -> AnswerMatch | None:
        """The exact or keyword match. Takes no hop."""
        return self._exact.lookup(turn.question, turn.locale) if _may_match(turn) else None

    async def find_ranked(self, turn: ChatTurn) -> AnswerMatch | None:
        """The match by rank or by meaning, or None when the lookup fails or times out."""
        if self._ranked is None or not _may_match(turn):
            return None
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._ranked.lookup(turn.question, turn.locale)
        except (SecretaryError, TimeoutError) as error:
            log.warning("turn %s continues without ranked answers: %s", turn.turn_id, type(error).__name__)
            return None


class SimilarExplainer(Protocol):
    async def explain(self, text: str, locale: str | None) -> tuple[StageReport, ...]:
        """The reports of the stages *ranked* and *meaning*."""
        ...


async def explain_match(
    exact: ExactAnswers, similar: SimilarExplainer | None, text: str, locale: str | None
) -> MatchReport:
    """What every stage finds for ``text``. Stages of an FAQ deployment that fails or is missing are *unavailable*."""
    first = exact.explain(text, locale, MAX_CANDIDATES)
    absent = (StageReport("ranked", state="unavailable"), StageReport("meaning", state="unavailable"))
    try:
        return MatchReport((first, *(await similar.explain(text, locale) if similar else absent)))
    except SecretaryError as error:
        log.warning("the match tester has no ranked answers: %s", type(error).__name__)
        return MatchReport((first, *absent))


def _may_match(turn: ChatTurn) -> bool:
    if not turn.uses_faq or turn.requires_structure or turn.answer_prefix or turn.question_images:
        return False
    return not turn.is_answered and bool(turn.question.strip()) and len(turn.question) <= MAX_QUESTION_CHARS
