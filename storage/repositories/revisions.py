"""The revision counter of committed changes."""

from sqlalchemy import func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import RevisionRow
from storage.models.base import UtcDateTime, now
from storage.transaction_locks import TransactionLock, lock_until_commit


class RevisionRepository:
    """Counts committed changes of the snapshot."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def current(self) -> int:
        """The revision of the last committed change; 0 before the first."""
        return await self._session.scalar(select(func.max(RevisionRow.revision))) or 0

    async def next(self) -> int:
        """Allocates the next revision, which becomes current when the transaction commits."""
        await lock_until_commit(self._session, TransactionLock.REVISION)
        next_row = select(func.coalesce(func.max(RevisionRow.revision), 0) + 1, literal(now(), UtcDateTime()))
        inserted = insert(RevisionRow).from_select([RevisionRow.revision, RevisionRow.created_at], next_row)
        return (await self._session.execute(inserted.returning(RevisionRow.revision))).scalar_one()
