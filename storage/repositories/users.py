"""Users of the panel."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import UserRow


@dataclass(frozen=True, slots=True)
class StoredUser:
    """A user. ``username`` is case folded, ``password_hash`` is an argon2id string, ``id`` 0 means not stored yet.

    ``version`` increases with every change.
    """

    username: str
    password_hash: str = field(repr=False)
    role: str = "viewer"
    enabled: bool = True
    must_change_password: bool = False
    version: int = 1
    id: int = field(default=0, compare=False)
    created_at: datetime | None = field(default=None, compare=False)


class UserRepository:
    """Stores users by name."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def count(self) -> int:
        return await self._session.scalar(select(func.count()).select_from(UserRow)) or 0

    async def all(self) -> tuple[StoredUser, ...]:
        """All users, ordered by name."""
        return tuple(_user(row) for row in await self._session.scalars(select(UserRow).order_by(UserRow.username)))

    async def get(self, username: str) -> StoredUser | None:
        row = await self._row(username)
        return _user(row) if row is not None else None

    async def get_by_id(self, user_id: int) -> StoredUser | None:
        row = await self._session.get(UserRow, user_id)
        return _user(row) if row is not None else None

    async def add(self, user: StoredUser) -> StoredUser:
        row = UserRow(
            username=user.username,
            password_hash=user.password_hash,
            role=user.role,
            enabled=user.enabled,
            must_change_password=user.must_change_password,
        )
        self._session.add(row)
        await self._session.flush()
        return _user(row)

    async def replace(self, user: StoredUser) -> StoredUser:
        """Overwrites the user of this name and increases the version. Raises KeyError when there is none."""
        row = await self._existing(user.username)
        row.password_hash, row.must_change_password = user.password_hash, user.must_change_password
        row.role, row.enabled = user.role, user.enabled
        row.version += 1
        await self._session.flush()
        return _user(row)

    async def set_password(self, username: str, password_hash: str, *, must_change: bool) -> None:
        """Sets the password and increases the version. Raises KeyError when there is no such user."""
        row = await self._existing(username)
        row.password_hash, row.must_change_password = password_hash, must_change
        row.version += 1
        await self._session.flush()

    async def remove(self, username: str) -> None:
        await self._session.execute(delete(UserRow).where(UserRow.username == username))

    async def _existing(self, username: str) -> UserRow:
        row = await self._row(username)
        if row is None:
            raise KeyError(username)
        return row

    async def _row(self, username: str) -> UserRow | None:
        row: UserRow | None = await self._session.scalar(select(UserRow).where(UserRow.username == username))
        return row


def _user(row: UserRow) -> StoredUser:
    return StoredUser(
        username=row.username,
        password_hash=row.password_hash,
        role=row.role,
        enabled=row.enabled,
        must_change_password=row.must_change_password,
        version=row.version,
        id=row.id,
        created_at=row.created_at,
    )
