"""Live settings in the database: one row per field that was ever changed."""

import logging
from collections.abc import Mapping

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.settings import Settings
from storage.models import SettingRow

logger = logging.getLogger(__name__)


class SettingsRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._rows: dict[str, SettingRow] | None = None
        self._settings: Settings | None = None

    async def get(self) -> Settings:
        """Stored fields over the program's defaults. A stored field that this program does not understand (it was
        written by another version) is reported in the log and left at its default."""
        if self._settings is None:
            self._settings = _understood({row.name: row.value for row in (await self._stored()).values()})
        return self._settings

    async def changed_at(self) -> int:
        """The revision of the last change of any setting; 0 when none was ever changed."""
        return max((row.revision for row in (await self._stored()).values()), default=0)

    async def save(self, settings: Settings, revision: int) -> tuple[str, ...]:
        """Stores what differs from before, under ``revision``; the names of the fields that changed."""
        before, rows = await self.get(), await self._stored()
        changed = tuple(name for name in Settings.model_fields if getattr(settings, name) != getattr(before, name))
        values = settings.model_dump(mode="json", include=set(changed))
        for name in changed:
            if (row := rows.get(name)) is None:
                row = rows[name] = SettingRow(name=name)
                self._session.add(row)
            row.value, row.revision = values[name], revision
        await self._session.flush()
        self._settings = None
        return changed

    async def _stored(self) -> dict[str, SettingRow]:
        """Every row by its name, read once in a unit of work: nobody else writes meanwhile."""
        if self._rows is None:
            self._rows = {row.name: row for row in await self._session.scalars(select(SettingRow))}
        return self._rows


def _understood(stored: Mapping[str, object]) -> Settings:
    try:
        return Settings.model_validate(stored)
    except ValidationError:
        return Settings.model_validate({name: value for name, value in stored.items() if _is_valid(name, value)})


def _is_valid(name: str, value: object) -> bool:
    try:
        Settings.model_validate({name: value})
    except ValidationError:
        logger.warning("stored setting %r is not understood and left at its default", name)
        return False
    return True
