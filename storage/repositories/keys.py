"""API keys, stored as digests."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.api_key import ApiKey, KeyLimits
from storage.models import ApiKeyRow
from storage.models.base import now

_VALID = ApiKeyRow.revoked_at.is_(None)


@dataclass(frozen=True, slots=True)
class KeyChange:
    """New values of a key. None keeps the current value."""

    name: str | None = None
    limits: KeyLimits | None = None
    owner: str | None = None


class KeyRepository:
    """Stores API keys. A valid key is one that is not revoked; it may be expired."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all_valid(self) -> tuple[ApiKey, ...]:
        """Every valid key, ordered by id."""
        rows = await self._session.scalars(select(ApiKeyRow).where(_VALID).order_by(ApiKeyRow.id))
        return tuple(_key(row) for row in rows)

    async def creation_times(self) -> dict[int, datetime]:
        """The creation time of each valid key, by id."""
        rows = await self._session.execute(select(ApiKeyRow.id, ApiKeyRow.created_at).where(_VALID))
        return dict(rows.tuples().all())

    async def ids(self) -> tuple[int, ...]:
        """The ids of all keys, revoked or not."""
        return tuple(await self._session.scalars(select(ApiKeyRow.id).order_by(ApiKeyRow.id)))

    async def change(self, key_id: int, change: KeyChange) -> ApiKey:
        """Changes a key and returns it. Raises KeyError when no valid key has this id."""
        row = await self._valid_row(key_id)
        if row is None:
            raise KeyError(key_id)
        row.name = row.name if change.name is None else change.name
        row.owner = row.owner if change.owner is None else change.owner
        row.limits = row.limits if change.limits is None else change.limits.model_dump()
        await self._session.flush()
        return _key(row)

    async def is_known(self, digest: str) -> bool:
        """Whether this key is stored, revoked or not."""
        return await self._session.scalar(select(ApiKeyRow.id).where(ApiKeyRow.digest == digest)) is not None

    async def any_known(self) -> bool:
        """Whether any key is stored, revoked or not."""
        return await self._session.scalar(select(ApiKeyRow.id).limit(1)) is not None

    async def add(self, key: ApiKey) -> ApiKey:
        """Adds a key and returns it with its id. The ``id`` of ``key`` is ignored."""
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
        """Revokes a key and returns it, or None when no valid key has this id."""
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
