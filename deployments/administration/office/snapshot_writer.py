"""The one way to change what the data plane lives off: a transaction of row, revision and audit, then publication."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from deployments.administration.office.shielded_tasks import ShieldedTasks
from deployments.administration.snapshots.loader import SnapshotField, reload_field
from deployments.administration.snapshots.publisher import SnapshotPublisher
from deployments.contracts.settings import Snapshot
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.unit_of_work import UnitOfWork

T = TypeVar("T")
Edit = Callable[[UnitOfWork, int], Awaitable[tuple[T, AuditEvent]]]
"""Changes rows under a revision; what the caller gets, and what the audit trail says."""


class SnapshotWriter:
    """Takes changes one at a time. A change that was begun is finished, audited and published even when the person who
    asked for it has gone: no subscriber may miss what was committed."""

    def __init__(self, database: Database, publisher: SnapshotPublisher) -> None:
        self._database = database
        self._publisher = publisher
        self._one_at_a_time = asyncio.Lock()
        self._finisher = ShieldedTasks()

    async def change(self, field: SnapshotField, edit: Edit[T]) -> T:
        """Runs ``edit`` in a transaction and publishes ``part`` anew. Raises what ``edit`` raises: then nothing is
        changed; Unavailable when the office is closing or the database refuses."""
        return await self._finisher.run(lambda: self._change(field, edit))

    async def close(self) -> None:
        """Refuses new changes and waits for those under way."""
        await self._finisher.close()

    async def _change(self, part: SnapshotField, edit: Edit[T]) -> T:
        async with self._one_at_a_time:
            result, snapshot = await self._commit(part, edit)
            self._publisher.publish(snapshot)
            return result

    async def _commit(self, part: SnapshotField, edit: Edit[T]) -> tuple[T, Snapshot]:
        async with self._database.unit_of_work() as work:
            revision = await work.revisions.next()
            result, event = await edit(work, revision)
            await work.audit.add(event)
            return result, await reload_field(self._publisher.current, part, revision, work)
