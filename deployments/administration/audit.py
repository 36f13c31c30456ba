"""The audit trail, as people read it, take it with them and let its oldest part go."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.settings import SHORTEST_AUDIT_DAYS
from storage.chain import Link
from storage.database import Database
from storage.repositories.audit import AuditEvent, AuditFilter, AuditRecord, AuditStats, Checked

__all__ = ["AuditEvent", "AuditFilter", "AuditRecord", "AuditStats", "AuditTrail"]

_LONGEST_RETENTION_DAYS = 36_500
_AT_ONCE = 500


class AuditTrail:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, wanted: AuditFilter, limit: int, offset: int) -> tuple[tuple[AuditRecord, ...], int]:
        """One page of the events that match, the newest first, and how many match in all."""
        async with self._database.unit_of_work() as work:
            return await work.audit.search(wanted, limit, offset)

    async def stats(self) -> AuditStats:
        async with self._database.unit_of_work() as work:
            return await work.audit.stats()

    async def verify(self) -> int | None:
        """Walks the whole chain: the id of the first event that is not as it was written, or None. Between two batches
        the database is free for others."""
        checked = Checked(Link(), finished=False)
        while not checked.finished:
            async with self._database.unit_of_work() as work:
                checked = await work.audit.check(checked.reached, _AT_ONCE)
        return checked.broken

    async def export(self, wanted: AuditFilter, by: str, address: str = "") -> AsyncGenerator[AuditRecord]:
        """Every event that matches and had happened when the export began, the oldest first. The export itself is
        audited. Between two batches the database is free for others, however slowly the events are taken."""
        now = datetime.now(UTC)
        until = min(wanted.until, now) if wanted.until else now
        async with self._database.unit_of_work() as work:
            await work.audit.add(AuditEvent(by, "export", "audit", address=address))
        return self._batches(replace(wanted, until=until))

    async def cleanup(self, days: int, by: str, address: str = "") -> int:
        """Takes away what is older than ``days``; returns how many events that were. Raises InvalidRequest for less
        than a week."""
        if not SHORTEST_AUDIT_DAYS <= days <= _LONGEST_RETENTION_DAYS:
            raise InvalidRequest(
                f"days is a number from {SHORTEST_AUDIT_DAYS} to {_LONGEST_RETENTION_DAYS}", param="days"
            )
        before = datetime.now(UTC) - timedelta(days=days)
        async with self._database.unit_of_work() as work:
            deleted = await work.audit.cleanup(before)
            detail = f"{deleted} events before {before.isoformat(timespec='seconds')}"
            await work.audit.add(AuditEvent(by, "cleanup", "audit", address=address, detail=detail))
        return deleted

    async def _batches(self, wanted: AuditFilter) -> AsyncGenerator[AuditRecord]:
        last = 0
        while True:
            async with self._database.unit_of_work() as work:
                events = await work.audit.after(wanted, last, _AT_ONCE)
            for event in events:
                yield event
            if len(events) < _AT_ONCE:
                return
            last = events[-1].id
