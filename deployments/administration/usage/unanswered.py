"""Questions that got no answer: neither a prepared one nor one of a model."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from storage.database import Database


class UnansweredQuestions:
    """Counts the questions of the exchanges that doors have reported."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._clock = clock

    async def count(self, period: timedelta) -> int:
        """The number of different questions of the last ``period``."""
        async with self._database.unit_of_work() as work:
            return await work.exchanges.count_unanswered(self._clock() - period)
