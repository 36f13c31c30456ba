"""Notes in the audit trail for what is done outside of the database: engines, downloads, counters."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from deployments.administration.office.shielded_tasks import ShieldedTasks
from storage.database import Database
from storage.repositories.audit import AuditEvent

T = TypeVar("T")


class AuditRecorder:
    """What was noted is done, also when whoever asked for it has gone: note and do it inside ``finish``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._finisher = ShieldedTasks()

    async def record(self, username: str, action: str, resource: str, resource_id: str = "", detail: str = "") -> None:
        """Adds one event. Write it before the deed: what cannot be noted is not done."""
        async with self._database.unit_of_work() as work:
            await work.audit.add(AuditEvent(username, action, resource, resource_id, detail=detail))

    async def run_shielded(self, work: Callable[[], Awaitable[T]]) -> T:
        """Runs ``work`` to its end. Raises what it raises, Unavailable when the office is closing."""
        return await self._finisher.run(work)

    async def close(self) -> None:
        """Refuses new work and waits for what is under way."""
        await self._finisher.close()
