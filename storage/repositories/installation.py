"""Facts that are settled once in the life of an installation."""

from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import InstallationRow


class InstallationRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, name: str) -> str | None:
        row = await self._session.get(InstallationRow, name)
        return row.value if row is not None else None

    async def put(self, name: str, value: str) -> None:
        """Writes the fact, over an older one of this name."""
        await self._session.merge(InstallationRow(name=name, value=value))
        await self._session.flush()
