"""What was used, by whom: doors report it, people read it, and each door learns what a key has used at the others."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.reports import KeyUsage, ReportAcknowledgement, UsageCount
from storage.database import Database
from storage.repositories.usage import UsageGrouping, UsageTotals
from storage.unit_of_work import UnitOfWork

__all__ = ["UsageAccounting", "UsageGrouping", "UsageTotals"]

_LONGEST_RANGE = timedelta(days=366)


class UsageAccounting:
    def __init__(self, database: Database, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._clock = clock
        self._recorded = 0
        self._known: tuple[int, ReportAcknowledgement] | None = None

    async def record(self, work: UnitOfWork, tallies: Sequence[UsageCount]) -> None:
        """Adds ``tallies`` in the transaction of ``work``."""
        if tallies:
            await work.usage.add(tallies)
            self._recorded += 1

    async def used_today(self) -> ReportAcknowledgement:
        """What each API key has used on the present day, read anew when something was recorded since."""
        recorded, day = self._recorded, self.current_day()
        if self._known is None or (self._known[0], self._known[1].day) != (recorded, day):
            async with self._database.unit_of_work() as work:
                keys: dict[int, KeyUsage] = await work.usage.by_key(day)
            self._known = recorded, ReportAcknowledgement(day=day, keys=keys)
        return self._known[1]

    async def sums(self, first: date, last: date, by: Sequence[UsageGrouping]) -> tuple[UsageTotals, ...]:
        """Sums over the days ``first`` to ``last``, both included. Raises InvalidRequest for a range that is none, or
        longer than a year."""
        if not timedelta(0) <= last - first < _LONGEST_RANGE:
            raise InvalidRequest(f"from_day to to_day is 1 to {_LONGEST_RANGE.days} days", param="from_day")
        async with self._database.unit_of_work() as work:
            return await work.usage.totals(first.isoformat(), last.isoformat(), by)

    def current_day(self) -> str:
        """The present day of UTC."""
        return self._clock().astimezone(UTC).date().isoformat()
