"""Prepared answers in this process: exact and keyword matches from the snapshot, no hop."""

from collections.abc import Callable
from datetime import datetime

from deployments.answers.book import Book
from deployments.contracts.events import AnswerMatch
from deployments.contracts.settings import FaqEntry, Snapshot


class ExactAnswers:
    """An answer book that follows the snapshots. ``prepare`` is the feed's hook and may run in a thread."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._entries: tuple[FaqEntry, ...] = ()
        self._time_zone = ""
        self._book: Book | None = None

    def prepare(self, snapshot: Snapshot) -> None:
        if self._book and snapshot.faq == self._entries and snapshot.settings.time_zone == self._time_zone:
            return
        self._book = Book(snapshot.faq, snapshot.settings.time_zone, self._clock)
        self._entries, self._time_zone = snapshot.faq, snapshot.settings.time_zone

    def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        return self._book.lookup(text, locale) if self._book else None
