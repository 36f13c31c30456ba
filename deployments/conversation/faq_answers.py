"""Prepared answers in this process: a book and a ranking that follow the snapshots, at the cost of what changed.

``prepare`` is the feed's hook and may run in a thread; readers keep what they have until it is done.
"""

from collections.abc import Callable

from deployments.answers.answer_renderer import UtcClock
from deployments.answers.exact_match import ExactMatchIndex
from deployments.answers.normalise import normalise
from deployments.answers.ranking import Ranking
from deployments.answers.tokenized_text import TokenizedText, tokenize_text
from deployments.contracts.events import AnswerMatch
from deployments.contracts.settings import FaqEntry, FaqSettings, Snapshot


class ExactAnswers:
    """Exact and keyword matches, no hop."""

    def __init__(self, clock: UtcClock, normalise_text: Callable[[str], str] = normalise) -> None:
        self._clock = clock
        self._spelled = normalise_text
        self._made_of: tuple[tuple[FaqEntry, ...], str] | None = None
        self._book: ExactMatchIndex | None = None

    def prepare(self, snapshot: Snapshot) -> None:
        made_of = (snapshot.faq, snapshot.settings.time_zone)
        if made_of != self._made_of:
            self._book = ExactMatchIndex(*made_of, self._clock, self._book, self._spelled)
            self._made_of = made_of

    def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        return self._book.lookup(text, locale) if self._book else None


class SimilarAnswers:
    """The ranking of similar questions; ``ranking`` is None until the first snapshot, and when it was forgotten."""

    def __init__(self, clock: UtcClock, tokenize: Callable[[str], TokenizedText] = tokenize_text) -> None:
        self._clock = clock
        self._read = tokenize
        self._made_of: tuple[tuple[FaqEntry, ...], FaqSettings, str] | None = None
        self.ranking: Ranking | None = None

    def prepare(self, snapshot: Snapshot) -> None:
        made_of = (snapshot.faq, snapshot.settings.faq, snapshot.settings.time_zone)
        if made_of != self._made_of:
            self.ranking = Ranking(*made_of, self._clock, self.ranking, self._read)
            self._made_of = made_of

    def clear(self) -> None:
        self.ranking = self._made_of = None
