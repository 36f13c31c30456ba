"""Changes of the snapshot: rows, revision and audit event in one transaction, then publication."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from deployments.administration.office.shielded_tasks import ShieldedTasks
from deployments.administration.snapshots.loader import SnapshotField, reload_field
from deployments.administration.snapshots.publisher import SnapshotPublisher
from deployments.contracts.snapshot import Snapshot
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.unit_of_work import UnitOfWork

T = TypeVar("T")
Edit = Callable[[UnitOfWork, int], Awaitable[tuple[T, AuditEvent]]]
"""Changes rows at a revision. Returns the result for the caller and the audit event."""


class SnapshotWriter:
    """Runs changes one at a time. A started change is committed and published even when its caller is cancelled, so
    that no subscriber misses a commit."""

    def __init__(self, database: Database, publisher: SnapshotPublisher) -> None:
        self._database = database
        self._publisher = publisher
        self._lock = asyncio.Lock()
        self._tasks = ShieldedTasks()

    async def change(self, field: SnapshotField, edit: Edit[T]) -> T:
        """Runs ``edit`` in a transaction and publishes ``field``. Raises what ``edit`` raises, with nothing changed,
        and Unavailable when the office is closing or the database fails."""
        return await self._tasks.run(lambda: self._change(field, edit))

    async def close(self) -> None:
        """Refuses new changes and waits for the running ones."""
        await self._tasks.close()

    async def _change(self, part: SnapshotField, edit: Edit[T]) -> T:
        async with self._lock:
            result, snapshot = await self._commit(part, edit)
            self._publisher.publish(snapshot)
            return result

    async def _commit(self, part: SnapshotField, edit: Edit[T]) -> tuple[T, Snapshot]:
        async with self._database.unit_of_work() as work:
            revision = await work.revisions.next()
            result, event = await edit(work, revision)
            await work.audit.add(event)
            return result, await reload_field(self._publisher.current, part, revision, work)
