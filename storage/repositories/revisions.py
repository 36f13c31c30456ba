"""The counter of committed changes."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import RevisionRow
from storage.serial import Step, one_at_a_time


class RevisionRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def current(self) -> int:
        """The revision of the last committed change; 0 before the first."""
        return await self._session.scalar(select(func.max(RevisionRow.revision))) or 0

    async def next(self) -> int:
        """Takes the next revision; it counts when the transaction does."""
        await one_at_a_time(self._session, Step.REVISION)
        revision = await self.current() + 1
        self._session.add(RevisionRow(revision=revision))
        await self._session.flush()
        return revision
