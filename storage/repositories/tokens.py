"""Refresh tokens, stored as digests. All tokens of one sign-in form a ``family``."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import RefreshTokenRow, UserRow


@dataclass(frozen=True, slots=True)
class StoredRefreshToken:
    """A refresh token. ``used_at`` is the time when it was exchanged for the next one."""

    digest: str
    family: str
    user_id: int
    expires_at: datetime
    created_at: datetime
    address: str = ""
    used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredSignIn:
    """A family that can still be refreshed, and its user."""

    family: str
    username: str
    role: str
    must_change_password: bool
    expires_at: datetime


_NEWEST_FIRST = RefreshTokenRow.created_at.desc(), RefreshTokenRow.used_at.is_(None).desc()


class TokenRepository:
    """Stores refresh tokens."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, digest: str) -> StoredRefreshToken | None:
        """The token with this digest."""
        row = await self._session.get(RefreshTokenRow, digest)
        return _token(row) if row is not None else None

    async def newest(self, family: str) -> StoredRefreshToken | None:
        """The newest token of the family, also of a revoked one."""
        row = await self._session.scalar(
            select(RefreshTokenRow).where(RefreshTokenRow.family == family).order_by(*_NEWEST_FIRST).limit(1)
        )
        return _token(row) if row is not None else None

    async def add(self, token: StoredRefreshToken) -> None:
        """Adds an unused token."""
        self._session.add(
            RefreshTokenRow(
                digest=token.digest,
                family=token.family,
                user_id=token.user_id,
                address=token.address[:45],
                created_at=token.created_at,
                expires_at=token.expires_at,
            )
        )
        await self._session.flush()

    async def mark_used(self, digest: str, at: datetime) -> bool:
        """Marks the token as used. Returns False when it is used already."""
        unused = update(RefreshTokenRow).where(RefreshTokenRow.digest == digest, RefreshTokenRow.used_at.is_(None))
        result = await self._session.execute(unused.values(used_at=at).execution_options(synchronize_session=False))
        return isinstance(result, CursorResult) and result.rowcount == 1

    async def revoke_family(self, family: str, at: datetime) -> None:
        """Revokes every token of the family."""
        await self._revoke(RefreshTokenRow.family == family, at)

    async def revoke_user(self, username: str, at: datetime) -> None:
        """Revokes every token of the user."""
        owner = select(UserRow.id).where(UserRow.username == username).scalar_subquery()
        await self._revoke(RefreshTokenRow.user_id == owner, at)

    async def families(self, user_id: int) -> tuple[str, ...]:
        """The user's families, the last sign-in first."""
        started_at = func.min(RefreshTokenRow.created_at)
        of_user = select(RefreshTokenRow.family).where(RefreshTokenRow.user_id == user_id)
        grouped = of_user.group_by(RefreshTokenRow.family).order_by(started_at.desc(), RefreshTokenRow.family)
        return tuple(await self._session.scalars(grouped))

    async def remove_families(self, families: Collection[str]) -> None:
        """Deletes every token of the families."""
        await self._session.execute(delete(RefreshTokenRow).where(RefreshTokenRow.family.in_(families)))

    async def remove_expired(self, now: datetime) -> None:
        """Deletes the tokens that are expired at ``now``."""
        await self._session.execute(delete(RefreshTokenRow).where(RefreshTokenRow.expires_at <= now))

    async def remove_oldest(self, family: str, keep: int) -> None:
        """Deletes all but the newest ``keep`` tokens of the family."""
        newest = select(RefreshTokenRow.digest).where(RefreshTokenRow.family == family)
        kept = newest.order_by(*_NEWEST_FIRST).limit(keep)
        older = RefreshTokenRow.digest.not_in(kept.scalar_subquery())
        await self._session.execute(delete(RefreshTokenRow).where(RefreshTokenRow.family == family, older))

    async def sign_ins(self, now: datetime) -> tuple[StoredSignIn, ...]:
        """Families of enabled users whose newest token is unused, not revoked and not expired."""
        token, user = RefreshTokenRow, UserRow
        rows = await self._session.execute(
            select(token.family, user.username, user.role, user.must_change_password, token.expires_at)
            .join(user, user.id == token.user_id)
            .where(token.used_at.is_(None), token.revoked_at.is_(None), token.expires_at > now, user.enabled)
        )
        return tuple(StoredSignIn(*row) for row in rows.tuples())

    async def _revoke(self, which: ColumnElement[bool], at: datetime) -> None:
        valid = update(RefreshTokenRow).where(which, RefreshTokenRow.revoked_at.is_(None))
        await self._session.execute(valid.values(revoked_at=at).execution_options(synchronize_session=False))


def _token(row: RefreshTokenRow) -> StoredRefreshToken:
    return StoredRefreshToken(
        digest=row.digest,
        family=row.family,
        user_id=row.user_id,
        expires_at=row.expires_at,
        created_at=row.created_at,
        address=row.address,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
    )
