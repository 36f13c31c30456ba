"""Live settings in the database: one row per field that was ever changed."""

import logging

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.settings import Settings
from storage.models import SettingRow

logger = logging.getLogger(__name__)


class SettingsRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self) -> Settings:
        """Stored fields over the program's defaults. A stored field that this program does not understand (it was
        written by another version) is reported in the log and left at its default."""
        settings = Settings()
        for row in await self._session.scalars(select(SettingRow)):
            try:
                settings = Settings.model_validate({**settings.model_dump(), row.name: row.value})
            except ValidationError:
                logger.warning("stored setting %r is not understood and left at its default", row.name)
        return settings

    async def changed_at(self) -> int:
        """The revision of the last change of any setting; 0 when none was ever changed."""
        return await self._session.scalar(select(func.max(SettingRow.revision))) or 0

    async def save(self, settings: Settings, revision: int) -> tuple[str, ...]:
        """Stores what differs from before, under ``revision``; the names of the fields that changed."""
        before, after = (await self.get()).model_dump(mode="json"), settings.model_dump(mode="json")
        changed = tuple(name for name, value in after.items() if value != before[name])
        for name in changed:
            await self._session.merge(SettingRow(name=name, value=after[name], revision=revision))
        await self._session.flush()
        return changed
