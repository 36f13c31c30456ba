"""Notes in the audit trail for what is done outside of the database: engines, downloads, counters."""

from storage.database import Database
from storage.repositories.audit import AuditEvent


class AuditNotes:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, username: str, action: str, resource: str, resource_id: str = "", detail: str = "") -> None:
        """Adds one event. Write it before the deed: what cannot be noted is not done."""
        async with self._database.unit_of_work() as work:
            await work.audit.add(AuditEvent(username, action, resource, resource_id, detail=detail))
