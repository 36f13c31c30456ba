"""The audit trail, as people read it, take it with them and let its oldest part go."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.settings import MIN_AUDIT_DAYS
from storage.audit_chain import ChainPosition
from storage.database import Database
from storage.repositories.audit import AuditChainCheck, AuditEvent, AuditFilter, AuditRecord, AuditStats

__all__ = ["AuditEvent", "AuditFilter", "AuditLog", "AuditRecord", "AuditStats"]

_LONGEST_RETENTION_DAYS = 36_500
_AT_ONCE = 500


class AuditLog:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, criteria: AuditFilter, limit: int, offset: int) -> tuple[tuple[AuditRecord, ...], int]:
        """One page of the events that match, the newest first, and how many match in all."""
        async with self._database.unit_of_work() as work:
            return await work.audit.search(criteria, limit, offset)

    async def stats(self) -> AuditStats:
        async with self._database.unit_of_work() as work:
            return await work.audit.stats()

    async def verify(self) -> int | None:
        """Walks the whole chain: the id of the first event that is not as it was written, or None. Between two batches
        the database is free for others."""
        checked = AuditChainCheck(ChainPosition(), finished=False)
        while not checked.finished:
            async with self._database.unit_of_work() as work:
                checked = await work.audit.check_chain(checked.position, _AT_ONCE)
        return checked.broken_id

    async def export(self, criteria: AuditFilter, by: str, address: str = "") -> AsyncGenerator[AuditRecord]:
        """Every event that matches and had happened when the export began, the oldest first. The export itself is
        audited. Between two batches the database is free for others, however slowly the events are taken."""
        now = datetime.now(UTC)
        until = min(criteria.until, now) if criteria.until else now
        async with self._database.unit_of_work() as work:
            await work.audit.add(AuditEvent(by, "export", "audit", address=address))
        return self._batches(replace(criteria, until=until))

    async def cleanup(self, days: int, by: str, address: str = "") -> int:
        """Takes away what is older than ``days``; returns how many events that were. Raises InvalidRequest for less
        than a week."""
        if not MIN_AUDIT_DAYS <= days <= _LONGEST_RETENTION_DAYS:
            raise InvalidRequest(f"days is a number from {MIN_AUDIT_DAYS} to {_LONGEST_RETENTION_DAYS}", param="days")
        before = datetime.now(UTC) - timedelta(days=days)
        async with self._database.unit_of_work() as work:
            deleted = await work.audit.remove_before(before)
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
