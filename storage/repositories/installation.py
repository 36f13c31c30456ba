"""Facts about the installation, stored by name."""

from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import InstallationRow


class InstallationRepository:
    """Stores facts about the installation."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._rows: dict[str, InstallationRow] = {}

    async def get(self, name: str) -> str | None:
        """The value of the fact, or None."""
        row = await self._row(name)
        return row.value if row is not None else None

    async def put(self, name: str, value: str) -> None:
        """Adds or overwrites the fact."""
        row = await self._row(name)
        if row is None:
            row = self._rows[name] = InstallationRow(name=name)
            self._session.add(row)
        row.value = value
        await self._session.flush()

    async def _row(self, name: str) -> InstallationRow | None:
        """The row. A reference is kept: the session's weak identity map would drop it and read it again."""
        row = await self._session.get(InstallationRow, name)
        if row is not None:
            self._rows[name] = row
        return row
