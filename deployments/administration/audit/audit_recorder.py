"""Audit events for actions outside the database: engines, downloads, counters."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from deployments.administration.office.shielded_tasks import ShieldedTasks
from storage.database import Database
from storage.repositories.audit import AuditEvent

T = TypeVar("T")


class AuditRecorder:
    """Records an action and runs it to its end even if the caller is cancelled: do both inside ``run_shielded``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tasks = ShieldedTasks()

    async def record(self, username: str, action: str, resource: str, resource_id: str = "", detail: str = "") -> None:
        """Adds one event. Call it before the action, so that nothing runs that could not be recorded."""
        async with self._database.unit_of_work() as work:
            await work.audit.add(AuditEvent(username, action, resource, resource_id, detail=detail))

    async def run_shielded(self, work: Callable[[], Awaitable[T]]) -> T:
        """Runs ``work`` to its end. Raises what it raises, or Unavailable on shutdown."""
        return await self._tasks.run(work)

    async def close(self) -> None:
        """Rejects new work and waits for the work in progress."""
        await self._tasks.close()
