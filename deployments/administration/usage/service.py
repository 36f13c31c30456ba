"""Usage of requests, tokens and audio. Doors report it; each door receives what a key has used at all doors."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.reports import KeyUsage, ReportAcknowledgement, UsageCount
from storage.database import Database
from storage.repositories.exchanges import SessionCost
from storage.repositories.usage import UsageGrouping, UsageTotals
from storage.unit_of_work import UnitOfWork

__all__ = ["SessionCost", "UsageAccounting", "UsageGrouping", "UsageTotals"]

_MAX_RANGE = timedelta(days=366)


class UsageAccounting:
    """Records usage and sums it by day, key, source and route."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._clock = clock
        self._record_count = 0
        self._cached: tuple[int, ReportAcknowledgement] | None = None

    async def record(self, work: UnitOfWork, counts: Sequence[UsageCount]) -> None:
        """Adds ``counts`` in the transaction of ``work``."""
        if counts:
            await work.usage.add(counts)
            self._record_count += 1

    async def used_today(self) -> ReportAcknowledgement:
        """Returns the usage of each API key and cloud provider on the current day, cached until usage is recorded."""
        record_count, day = self._record_count, self.current_day()
        if self._cached is None or (self._cached[0], self._cached[1].day) != (record_count, day):
            async with self._database.unit_of_work() as work:
                keys: dict[int, KeyUsage] = await work.usage.by_key(day)
                routes = await work.usage.by_cloud_route(day)
            self._cached = record_count, ReportAcknowledgement(day=day, keys=keys, routes=routes)
        return self._cached[1]

    async def sums(self, first: date, last: date, by: Sequence[UsageGrouping]) -> tuple[UsageTotals, ...]:
        """Returns sums over the days ``first`` to ``last``, both included. Raises InvalidRequest for an empty range or
        one longer than a year."""
        _require_range(first, last)
        async with self._database.unit_of_work() as work:
            return await work.usage.totals(first.isoformat(), last.isoformat(), by)

    async def by_key_today(self) -> dict[int, UsageTotals]:
        """The usage of each API key on the current day."""
        async with self._database.unit_of_work() as work:
            totals = await work.usage.totals(day := self.current_day(), day, ("key",))
        return {each.key_id: each for each in totals if each.key_id}

    async def last_days(self) -> dict[int, date]:
        """The last day (UTC) on which each API key was used."""
        async with self._database.unit_of_work() as work:
            days = await work.usage.last_days()
        return {key_id: date.fromisoformat(day) for key_id, day in days.items()}

    async def expensive_sessions(self, first: date, last: date, limit: int) -> tuple[SessionCost, ...]:
        """Returns the conversations that cost most in these days, at most ``limit``. Raises as ``sums``."""
        _require_range(first, last)
        since = datetime.combine(first, time.min, UTC)
        async with self._database.unit_of_work() as work:
            until = datetime.combine(last, time.min, UTC) + timedelta(days=1)
            return await work.exchanges.most_expensive_sessions(since, until, limit)

    def current_day(self) -> str:
        """Returns the current day (UTC)."""
        return self._clock().astimezone(UTC).date().isoformat()


def _require_range(first: date, last: date) -> None:
    if not timedelta(0) <= last - first < _MAX_RANGE:
        raise InvalidRequest(f"from_day to to_day is 1 to {_MAX_RANGE.days} days", param="from_day")
