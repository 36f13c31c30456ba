"""Facts that are settled once in the life of an installation."""

from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import InstallationRow


class InstallationRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._rows: dict[str, InstallationRow] = {}

    async def get(self, name: str) -> str | None:
        row = await self._row(name)
        return row.value if row is not None else None

    async def put(self, name: str, value: str) -> None:
        """Writes the fact, over an older one of this name."""
        row = await self._row(name)
        if row is None:
            row = self._rows[name] = InstallationRow(name=name)
            self._session.add(row)
        row.value = value
        await self._session.flush()

    async def _row(self, name: str) -> InstallationRow | None:
        """The row, held on to: the session itself forgets what nobody holds and would read it again to write it."""
        row = await self._session.get(InstallationRow, name)
        if row is not None:
            self._rows[name] = row
        return row
