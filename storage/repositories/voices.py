"""What people decided about voices, in the database."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.settings import VoiceSettings
from storage.models import VoiceRow


class VoiceRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all(self) -> tuple[VoiceSettings, ...]:
        """Every one by id."""
        rows = await self._session.scalars(select(VoiceRow).order_by(VoiceRow.id))
        return tuple(_stored(row) for row in rows)

    async def get(self, id: str) -> VoiceSettings | None:
        row = await self._session.get(VoiceRow, id)
        return _stored(row) if row is not None else None

    async def save(self, spec: VoiceSettings) -> None:
        """Adds it or overwrites the one of the same id, version and all. Conflict when a unique name is taken."""
        row = await self._session.get(VoiceRow, spec.id)
        if row is None:
            row = VoiceRow(id=spec.id)
            self._session.add(row)
        for name, value in _columns(spec).items():
            setattr(row, name, value)
        await self._session.flush()

    async def remove(self, id: str) -> None:
        await self._session.execute(delete(VoiceRow).where(VoiceRow.id == id))


def _columns(spec: VoiceSettings) -> dict[str, object]:
    return {
        "name": spec.name,
        "description": spec.description,
        "enabled": spec.enabled,
        "tts_preset": spec.preset,
        "version": spec.version,
    }


def _stored(row: VoiceRow) -> VoiceSettings:
    return VoiceSettings(
        id=row.id,
        name=row.name,
        description=row.description,
        enabled=row.enabled,
        preset=row.tts_preset,
        version=row.version,
    )
