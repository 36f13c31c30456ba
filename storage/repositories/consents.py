"""Consents of people. Withdrawn consents are kept as evidence."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import ConsentRow
from storage.models.base import now
from storage.repositories.sessions import person_conditions, without_session_sync


@dataclass(frozen=True, slots=True)
class StoredConsent:
    """A consent. ``kind`` is recording, voice_clone or storage. ``wording`` is the text that the person agreed to."""

    source: str
    person: str
    kind: str
    source_id: str = ""
    wording: str = ""
    id: int = 0
    given_at: datetime | None = None
    withdrawn_at: datetime | None = None


class ConsentRepository:
    """Stores consents. ``source`` and ``source_id`` None match every source."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, consent: StoredConsent) -> StoredConsent:
        """Adds a consent, given now."""
        row = ConsentRow(
            source=consent.source,
            source_id=consent.source_id,
            person=consent.person,
            kind=consent.kind,
            wording=consent.wording,
        )
        self._session.add(row)
        await self._session.flush()
        return _stored(row)

    async def withdraw(self, consent_id: int) -> StoredConsent | None:
        """Marks a consent as withdrawn now, unless it is already. Returns None when there is no such consent."""
        row = await self._session.get(ConsentRow, consent_id)
        if row is None:
            return None
        row.withdrawn_at = row.withdrawn_at or now()
        await self._session.flush()
        return _stored(row)

    async def of_person(self, person: str, source: str | None, source_id: str | None) -> tuple[StoredConsent, ...]:
        """Consents of a person, the oldest first."""
        own = (
            select(ConsentRow).where(*person_conditions(ConsentRow, person, source, source_id)).order_by(ConsentRow.id)
        )
        return tuple(_stored(row) for row in await self._session.scalars(own))

    async def page(self, person: str | None, limit: int, offset: int) -> tuple[StoredConsent, ...]:
        """Consents of one person, or of all, the newest first."""
        found = select(ConsentRow).order_by(ConsentRow.id.desc())
        if person is not None:
            found = found.where(*person_conditions(ConsentRow, person, None, None))
        return tuple(_stored(row) for row in await self._session.scalars(found.limit(limit).offset(offset)))

    async def rename_person(self, source: str, person: str, name: str) -> None:
        """Renames a person of ``source``."""
        own = update(ConsentRow).where(ConsentRow.source == source, ConsentRow.person == person)
        await self._session.execute(without_session_sync(own.values(person=name)))

    async def remove_of_person(self, person: str, source: str | None, source_id: str | None) -> int:
        """Deletes the consents of a person and returns their number."""
        own = (
            delete(ConsentRow).where(*person_conditions(ConsentRow, person, source, source_id)).returning(ConsentRow.id)
        )
        return len((await self._session.execute(without_session_sync(own))).all())


def _stored(row: ConsentRow) -> StoredConsent:
    return StoredConsent(**{name: getattr(row, name) for name in StoredConsent.__slots__})
