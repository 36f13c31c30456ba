"""Speech presets of people's own making, in the database. Builtin ones are code."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.settings import Preset
from storage.models import TtsPresetRow


class PresetRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all(self) -> tuple[Preset, ...]:
        """Every one by name."""
        rows = await self._session.scalars(select(TtsPresetRow).order_by(TtsPresetRow.name))
        return tuple(_stored(row) for row in rows)

    async def get(self, name: str) -> Preset | None:
        row = await self._row(name)
        return _stored(row) if row is not None else None

    async def save(self, preset: Preset) -> None:
        """Adds the preset or overwrites the one of the same name, version and all."""
        row = await self._row(preset.name)
        if row is None:
            row = TtsPresetRow(name=preset.name)
            self._session.add(row)
        row.display_name, row.version = preset.display_name, preset.version
        row.params = preset.params.model_dump(mode="json")
        await self._session.flush()

    async def remove(self, name: str) -> None:
        await self._session.execute(delete(TtsPresetRow).where(TtsPresetRow.name == name))

    async def _row(self, name: str) -> TtsPresetRow | None:
        row: TtsPresetRow | None = await self._session.scalar(select(TtsPresetRow).where(TtsPresetRow.name == name))
        return row


def _stored(row: TtsPresetRow) -> Preset:
    return Preset.model_validate(
        {"name": row.name, "display_name": row.display_name, "params": row.params, "version": row.version}
    )
