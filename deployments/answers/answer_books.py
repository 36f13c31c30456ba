"""Book and ranking behind the one verb that conversations know: ``AnswerBook.lookup``."""

from deployments.answers.exact_match import ExactMatchIndex
from deployments.answers.ranking import Ranking
from deployments.contracts.events import AnswerMatch


class ExactAnswerBook:
    """Exact and keyword matches only, answered at once on the event loop."""

    def __init__(self, book: ExactMatchIndex) -> None:
        self._book = book

    async def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        return self._book.lookup(text, locale)


class RankedAnswerBook:
    """The book first, then similar questions. Takes milliseconds at ten thousand entries."""

    def __init__(self, book: ExactMatchIndex, ranking: Ranking) -> None:
        self._book = book
        self._ranking = ranking

    async def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        return self._book.lookup(text, locale) or self._ranking.match(text, locale)
