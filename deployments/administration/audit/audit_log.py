"""The audit log: search, statistics, verification of its hash chain, export and deletion of old events."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.settings import MIN_AUDIT_DAYS
from storage.audit_chain import ChainPosition
from storage.database import Database
from storage.repositories.audit import AuditChainCheck, AuditEvent, AuditFilter, AuditRecord, AuditStats

__all__ = ["AuditEvent", "AuditFilter", "AuditLog", "AuditRecord", "AuditStats"]

_MAX_RETENTION_DAYS = 36_500
_MAX_COUNTED_DAYS = 92


class AuditLog:
    """Reads and trims the audit log of ``database``. Verification and export read ``batch_size`` events at once."""

    def __init__(self, database: Database, batch_size: int = 500) -> None:
        self._database = database
        self._batch_size = batch_size

    async def find(self, criteria: AuditFilter, limit: int, offset: int) -> tuple[tuple[AuditRecord, ...], int]:
        """Returns one page of matching events, newest first, and the number of all matching events."""
        async with self._database.unit_of_work() as work:
            return await work.audit.search(criteria, limit, offset)

    async def stats(self) -> AuditStats:
        async with self._database.unit_of_work() as work:
            return await work.audit.stats()

    async def days(self, criteria: AuditFilter, last: date, days: int, zone: tzinfo = UTC) -> dict[date, int]:
        """Counts the matching events of each of the ``days`` (at most 92) up to ``last``, as days of ``zone``."""
        if not 1 <= days <= _MAX_COUNTED_DAYS:
            raise InvalidRequest(f"days is a number from 1 to {_MAX_COUNTED_DAYS}", param="days")
        wanted = [last - timedelta(days=days - 1 - number) for number in range(days)]
        bounds = [datetime.combine(day, time(), zone).astimezone(UTC) for day in (*wanted, last + timedelta(days=1))]
        async with self._database.unit_of_work() as work:
            return dict(zip(wanted, await work.audit.counts_between(criteria, bounds), strict=True))

    async def count_before(self, days: int) -> int:
        """How many events are older than ``days``, about as many as ``cleanup`` deletes."""
        before = datetime.now(UTC) - timedelta(days=days)
        async with self._database.unit_of_work() as work:
            return (await work.audit.search(AuditFilter(until=before), 1, 0))[1]

    async def verify(self) -> int | None:
        """Verifies the whole hash chain. Returns the id of the first altered event, or None. Reads in batches and
        releases the database between them."""
        checked = AuditChainCheck(ChainPosition(), finished=False)
        while not checked.finished:
            async with self._database.unit_of_work() as work:
                checked = await work.audit.check_chain(checked.position, self._batch_size)
        return checked.broken_id

    async def export(self, criteria: AuditFilter, by: str, address: str = "") -> AsyncGenerator[AuditRecord]:
        """Yields all matching events up to the start of the export, oldest first. The export adds an audit event. Reads
        in batches and releases the database between them, however slow the consumer is."""
        now = datetime.now(UTC)
        until = min(criteria.until, now) if criteria.until else now
        async with self._database.unit_of_work() as work:
            await work.audit.add(AuditEvent(by, "export", "audit", address=address))
        return self._batches(replace(criteria, until=until))

    async def cleanup(self, days: int, by: str, address: str = "") -> int:
        """Deletes events older than ``days`` and returns their number. Raises InvalidRequest for less than a week."""
        if not MIN_AUDIT_DAYS <= days <= _MAX_RETENTION_DAYS:
            raise InvalidRequest(f"days is a number from {MIN_AUDIT_DAYS} to {_MAX_RETENTION_DAYS}", param="days")
        before = datetime.now(UTC) - timedelta(days=days)
        async with self._database.unit_of_work() as work:
            deleted = await work.audit.remove_before(before)
            detail = f"{deleted} events before {before.isoformat(timespec='seconds')}"
            await work.audit.add(AuditEvent(by, "cleanup", "audit", address=address, detail=detail))
        return deleted

    async def _batches(self, criteria: AuditFilter) -> AsyncGenerator[AuditRecord]:
        last = 0
        while True:
            async with self._database.unit_of_work() as work:
                events = await work.audit.after(criteria, last, self._batch_size)
            for event in events:
                yield event
            if len(events) < self._batch_size:
                return
            last = events[-1].id
