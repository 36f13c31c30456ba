"""Consents to cloned voices, and the voices. A revoked consent is kept as evidence until its person is erased."""

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.voice_consent import VoiceConsent
from deployments.contracts.voice_library import StoredClonedVoice, StoredVoiceConsent
from storage.models import ClonedVoiceRow, FileDeletionRow, VoiceConsentRow
from storage.models.base import now


class VoiceConsentRepository:
    """``owner`` None matches every owner."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, consent: StoredVoiceConsent) -> StoredVoiceConsent:
        """Adds a consent, given now."""
        given = {name: getattr(consent, name) for name in StoredVoiceConsent.__slots__}
        row = VoiceConsentRow(**{name: value for name, value in given.items() if value is not None})
        self._session.add(row)
        await self._session.flush()
        return _consent(row)

    async def get(self, consent_id: str, owner: str | None = None) -> StoredVoiceConsent | None:
        row = await self._session.get(VoiceConsentRow, consent_id)
        return _consent(row) if row is not None and owner in (None, row.owner) else None

    async def all(self, owner: str | None = None) -> tuple[StoredVoiceConsent, ...]:
        """The newest first."""
        found = select(VoiceConsentRow).order_by(VoiceConsentRow.given_at.desc(), VoiceConsentRow.id)
        if owner is not None:
            found = found.where(VoiceConsentRow.owner == owner)
        return tuple(_consent(row) for row in await self._session.scalars(found))

    async def of_person(self, person: str) -> tuple[StoredVoiceConsent, ...]:
        """The oldest first."""
        found = select(VoiceConsentRow).where(VoiceConsentRow.person == person).order_by(VoiceConsentRow.given_at)
        return tuple(_consent(row) for row in await self._session.scalars(found))

    async def rename(self, consent_id: str, person: str) -> StoredVoiceConsent:
        row = await self._session.get_one(VoiceConsentRow, consent_id)
        row.person, row.version = person, row.version + 1
        await self._session.flush()
        return _consent(row)

    async def revoke(self, consent_id: str, by: str) -> StoredVoiceConsent:
        """Marks a consent as revoked now, unless it is already."""
        row = await self._session.get_one(VoiceConsentRow, consent_id)
        if row.revoked_at is None:
            row.revoked_at, row.revoked_by, row.version = now(), by, row.version + 1
            await self._session.flush()
        return _consent(row)

    async def remove(self, consent_id: str) -> None:
        """Deletes a consent with its voices, and queues the file of its recording for deletion."""
        row = await self._session.get_one(VoiceConsentRow, consent_id)
        if row.recording:
            await self._session.merge(FileDeletionRow(path=row.recording))
        await self._session.execute(delete(ClonedVoiceRow).where(ClonedVoiceRow.consent_id == consent_id))
        await self._session.delete(row)
        await self._session.flush()

    async def save_voice(self, voice: StoredClonedVoice) -> StoredClonedVoice:
        """Adds a voice or replaces the one with its id."""
        given = {name: getattr(voice, name) for name in StoredClonedVoice.__slots__}
        given["languages"] = list(voice.languages)
        row = await self._session.merge(ClonedVoiceRow(**{name: v for name, v in given.items() if v is not None}))
        await self._session.flush()
        return _voice(row)

    async def voice(self, voice_id: str, owner: str | None = None) -> StoredClonedVoice | None:
        row = await self._session.get(ClonedVoiceRow, voice_id)
        return _voice(row) if row is not None and owner in (None, row.owner) else None

    async def voices(self, *, owner: str | None = None, consent_id: str | None = None) -> tuple[StoredClonedVoice, ...]:
        """In the order of their ids."""
        conditions: list[ColumnElement[bool]] = []
        if owner is not None:
            conditions.append(ClonedVoiceRow.owner == owner)
        if consent_id is not None:
            conditions.append(ClonedVoiceRow.consent_id == consent_id)
        found = select(ClonedVoiceRow).where(*conditions).order_by(ClonedVoiceRow.id)
        return tuple(_voice(row) for row in await self._session.scalars(found))

    async def size_bytes(self) -> int:
        """Of the samples of all voices."""
        return int(await self._session.scalar(select(func.sum(ClonedVoiceRow.size_bytes))) or 0)

    async def remove_voice(self, voice_id: str) -> None:
        await self._session.execute(delete(ClonedVoiceRow).where(ClonedVoiceRow.id == voice_id))

    async def for_doors(self) -> tuple[VoiceConsent, ...]:
        """Every consent with the ids of its voices, and nothing about its person."""
        voices: dict[str, list[str]] = {}
        for voice in await self.voices():
            voices.setdefault(voice.consent_id, []).append(voice.id)
        rows = await self._session.scalars(select(VoiceConsentRow).order_by(VoiceConsentRow.id))
        return tuple(
            VoiceConsent(id=r.id, voices=tuple(voices.get(r.id, ())), given_at=r.given_at, revoked_at=r.revoked_at)
            for r in rows
        )


def _consent(row: VoiceConsentRow) -> StoredVoiceConsent:
    return StoredVoiceConsent(**{name: getattr(row, name) for name in StoredVoiceConsent.__slots__})


def _voice(row: ClonedVoiceRow) -> StoredClonedVoice:
    fields = {name: getattr(row, name) for name in StoredClonedVoice.__slots__}
    return StoredClonedVoice(**{**fields, "languages": tuple(row.languages)})
