"""API keys in the database: digests, never the keys."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.settings import ApiKey
from storage.models import ApiKeyRow
from storage.models.base import now


class KeyRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def valid(self) -> tuple[ApiKey, ...]:
        """Every key that was not revoked, by id; an expired one among them."""
        rows = await self._session.scalars(
            select(ApiKeyRow).where(ApiKeyRow.revoked_at.is_(None)).order_by(ApiKeyRow.id)
        )
        return tuple(_key(row) for row in rows)

    async def known(self, digest: str) -> bool:
        """Whether this key was ever stored, revoked or not."""
        return await self._session.scalar(select(ApiKeyRow.id).where(ApiKeyRow.digest == digest)) is not None

    async def any_known(self) -> bool:
        """Whether any key was ever stored."""
        return await self._session.scalar(select(ApiKeyRow.id).limit(1)) is not None

    async def add(self, key: ApiKey) -> ApiKey:
        """Stores a new key; its ``id`` is not looked at."""
        row = ApiKeyRow(
            name=key.name, prefix=key.prefix, digest=key.digest, scopes=[*key.scopes], expires_at=key.expires_at
        )
        self._session.add(row)
        await self._session.flush()
        return _key(row)

    async def revoke(self, key_id: int) -> ApiKey | None:
        """The key that works no longer, or None when no such key was valid."""
        row = await self._session.get(ApiKeyRow, key_id)
        if row is None or row.revoked_at is not None:
            return None
        row.revoked_at = now()
        await self._session.flush()
        return _key(row)


def _key(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        digest=row.digest,
        scopes=tuple(row.scopes),
        expires_at=row.expires_at,
    )
