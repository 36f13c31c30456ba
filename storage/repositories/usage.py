"""Usage counters, one row per day, API key, source and route."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.reports import KeyUsage, UsageCount
from storage.models import UsageRow

UsageGrouping = Literal["day", "key", "source", "route"]

_COLUMNS = {"day": UsageRow.day, "key": UsageRow.key_id, "source": UsageRow.source, "route": UsageRow.route}
_TOTALS = (
    func.coalesce(func.sum(UsageRow.requests), 0),
    func.coalesce(func.sum(UsageRow.prompt_tokens), 0),
    func.coalesce(func.sum(UsageRow.completion_tokens), 0),
    func.coalesce(func.sum(UsageRow.audio_seconds), 0.0),
    func.coalesce(func.sum(UsageRow.cost), 0.0),
)


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """The totals of a group of rows. Fields that the rows are not grouped by are None or ""."""

    day: str = ""
    key_id: int | None = None
    source: str = ""
    route: str = ""
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    audio_seconds: float = 0.0
    cost: float = 0.0

    @property
    def usage(self) -> KeyUsage:
        return KeyUsage(
            tokens=self.prompt_tokens + self.completion_tokens, audio_seconds=self.audio_seconds, cost=self.cost
        )


class UsageRepository:
    """Counts usage."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, tallies: Sequence[UsageCount]) -> None:
        """Adds ``tallies`` to the stored counters."""
        for tally in tallies:
            key = (tally.day, tally.key_id, tally.source, tally.route)
            row = await self._session.get(UsageRow, key, with_for_update=True)
            if row is None:
                row = UsageRow(**dict(zip(("day", "key_id", "source", "route"), key, strict=True)))
                row.requests = row.prompt_tokens = row.completion_tokens = 0
                row.audio_seconds = row.cost = 0.0
                self._session.add(row)
            row.requests += tally.requests
            row.prompt_tokens += tally.prompt_tokens
            row.completion_tokens += tally.completion_tokens
            row.audio_seconds += tally.audio_seconds
            row.cost += tally.cost
            await self._session.flush()

    async def by_key(self, day: str) -> dict[int, KeyUsage]:
        """The usage of each API key on ``day``."""
        rows = await self.totals(day, day, ("key",))
        return {row.key_id: row.usage for row in rows if row.key_id}

    async def last_days(self) -> dict[int, str]:
        """The last day on which each API key was used, by the id of the key."""
        used = select(UsageRow.key_id, func.max(UsageRow.day)).where(UsageRow.key_id > 0, UsageRow.requests > 0)
        return dict((await self._session.execute(used.group_by(UsageRow.key_id))).tuples().all())

    async def by_cloud_route(self, day: str) -> dict[str, KeyUsage]:
        """The usage of each cloud provider on ``day``, by route."""
        rows = await self.totals(day, day, ("route",))
        return {row.route: row.usage for row in rows if row.route.startswith("cloud:")}

    async def totals(self, first_day: str, last_day: str, by: Sequence[UsageGrouping]) -> tuple[UsageTotals, ...]:
        """Totals over the days ``first_day`` to ``last_day``, both included, grouped and ordered by ``by``."""
        columns = [_COLUMNS[name] for name in by]
        wanted = select(*columns, *_TOTALS).where(UsageRow.day >= first_day, UsageRow.day <= last_day)
        rows = await self._session.execute(wanted.group_by(*columns).order_by(*columns))
        return tuple(_usage_totals(row.tuple(), by) for row in rows)


def _usage_totals(row: tuple[Any, ...], by: Sequence[UsageGrouping]) -> UsageTotals:
    """Converts one row. PostgreSQL returns sums as decimals."""
    group = dict(zip(by, row, strict=False))
    requests, prompt_tokens, completion_tokens, audio_seconds, cost = row[len(by) :]
    return UsageTotals(
        day=group.get("day", ""),
        key_id=group.get("key"),
        source=group.get("source", ""),
        route=group.get("route", ""),
        requests=int(requests),
        prompt_tokens=int(prompt_tokens),
        completion_tokens=int(completion_tokens),
        audio_seconds=float(audio_seconds),
        cost=float(cost),
    )
