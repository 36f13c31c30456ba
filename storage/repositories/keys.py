"""API keys in the database: digests, never the keys."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.settings import ApiKey, KeyLimits
from storage.models import ApiKeyRow
from storage.models.base import now

_VALID = ApiKeyRow.revoked_at.is_(None)


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What is to change; None leaves a thing as it is."""

    name: str | None = None
    limits: KeyLimits | None = None
    owner: str | None = None


class KeyRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all_valid(self) -> tuple[ApiKey, ...]:
        """Every key that was not revoked, by id; an expired one among them."""
        rows = await self._session.scalars(select(ApiKeyRow).where(_VALID).order_by(ApiKeyRow.id))
        return tuple(_key(row) for row in rows)

    async def creation_times(self) -> dict[int, datetime]:
        """When each valid key was made, by id."""
        rows = await self._session.execute(select(ApiKeyRow.id, ApiKeyRow.created_at).where(_VALID))
        return dict(rows.tuples().all())

    async def ids(self) -> tuple[int, ...]:
        """Of every key that was ever stored, revoked or not."""
        return tuple(await self._session.scalars(select(ApiKeyRow.id).order_by(ApiKeyRow.id)))

    async def change(self, key_id: int, change: KeyChange) -> ApiKey:
        """The changed key. KeyError when no such key is valid."""
        row = await self._valid_row(key_id)
        if row is None:
            raise KeyError(key_id)
        row.name = row.name if change.name is None else change.name
        row.owner = row.owner if change.owner is None else change.owner
        row.limits = row.limits if change.limits is None else change.limits.model_dump()
        await self._session.flush()
        return _key(row)

    async def is_known(self, digest: str) -> bool:
        """Whether this key was ever stored, revoked or not."""
        return await self._session.scalar(select(ApiKeyRow.id).where(ApiKeyRow.digest == digest)) is not None

    async def any_known(self) -> bool:
        """Whether any key was ever stored."""
        return await self._session.scalar(select(ApiKeyRow.id).limit(1)) is not None

    async def add(self, key: ApiKey) -> ApiKey:
        """Stores a new key; its ``id`` is not looked at."""
        row = ApiKeyRow(
            name=key.name,
            prefix=key.prefix,
            digest=key.digest,
            scopes=[*key.scopes],
            limits=key.limits.model_dump(),
            owner=key.owner,
            expires_at=key.expires_at,
        )
        self._session.add(row)
        await self._session.flush()
        return _key(row)

    async def revoke(self, key_id: int) -> ApiKey | None:
        """The key that works no longer, or None when no such key was valid."""
        row = await self._valid_row(key_id)
        if row is None:
            return None
        row.revoked_at = now()
        await self._session.flush()
        return _key(row)

    async def _valid_row(self, key_id: int) -> ApiKeyRow | None:
        row = await self._session.get(ApiKeyRow, key_id)
        return row if row is not None and row.revoked_at is None else None


def _key(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        digest=row.digest,
        scopes=tuple(row.scopes),
        limits=KeyLimits.model_validate(row.limits),
        owner=row.owner,
        expires_at=row.expires_at,
    )
