"""People in the database."""

from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import UserRow


@dataclass(frozen=True, slots=True)
class StoredUser:
    """A user with the argon2id string of the password; ``username`` is folded."""

    username: str
    password_hash: str = field(repr=False)
    role: str = "admin"
    enabled: bool = True
    must_change_password: bool = False


class UserRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def count(self) -> int:
        return await self._session.scalar(select(func.count()).select_from(UserRow)) or 0

    async def get(self, username: str) -> StoredUser | None:
        row = await self._row(username)
        if row is None:
            return None
        return StoredUser(row.username, row.password_hash, row.role, row.enabled, row.must_change_password)

    async def add(self, user: StoredUser) -> None:
        self._session.add(
            UserRow(
                username=user.username,
                password_hash=user.password_hash,
                role=user.role,
                enabled=user.enabled,
                must_change_password=user.must_change_password,
            )
        )
        await self._session.flush()

    async def set_password(self, username: str, password_hash: str, *, must_change: bool) -> None:
        """KeyError when there is no such user."""
        row = await self._row(username)
        if row is None:
            raise KeyError(username)
        row.password_hash, row.must_change_password = password_hash, must_change
        await self._session.flush()

    async def _row(self, username: str) -> UserRow | None:
        found: UserRow | None = await self._session.scalar(select(UserRow).where(UserRow.username == username))
        return found
