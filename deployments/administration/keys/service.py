"""Credentials of ``/v1``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from deployments.administration.office.drafts import content_fingerprint, require_version
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.snapshots.loader import SnapshotField
from deployments.administration.usage.service import UsageAccounting
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound
from deployments.contracts.reports import KeyUsage
from deployments.contracts.settings import ApiKey, KeyLimits
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.repositories.keys import KeyChange
from storage.secrets import key_digest, key_prefix, new_api_key
from storage.unit_of_work import UnitOfWork

__all__ = ["SCOPES", "ApiKeyAdministration", "ApiKeyView", "KeyChange", "build_api_key"]

SCOPES = ("chat", "audio", "metrics")
_LONGEST_NAME = 100
_MOST_KEYS = 1_000
_LAST_YEAR = 9998


@dataclass(frozen=True, slots=True)
class ApiKeyView:
    """A key as people see it; ``used`` is what it has used today (UTC)."""

    key: ApiKey
    created_at: datetime
    used_today: KeyUsage

    @property
    def version(self) -> int:
        """What a change names as the version it was made from."""
        return content_fingerprint(self.key)


class ApiKeyAdministration:
    """Keys are shown once, stored as digests, and never work again once revoked."""

    def __init__(
        self, database: Database, snapshot_writer: SnapshotWriter, usage: UsageAccounting | None = None
    ) -> None:
        self._database = database
        self._desk = snapshot_writer
        self._usage = usage or UsageAccounting(database)

    async def list(self) -> tuple[ApiKey, ...]:
        """Every key that was not revoked, by id."""
        async with self._database.unit_of_work() as work:
            return await work.keys.all_valid()

    async def views(self) -> tuple[ApiKeyView, ...]:
        """Every key that was not revoked, with what it has used today, by id."""
        async with self._database.unit_of_work() as work:
            keys, created = await work.keys.all_valid(), await work.keys.creation_times()
        used = (await self._usage.used_today()).keys
        return tuple(ApiKeyView(key, created[key.id], used.get(key.id, KeyUsage())) for key in keys)

    async def view(self, key_id: int) -> ApiKeyView:
        """Raises NotFound, also for a key that was revoked."""
        found = next((view for view in await self.views() if view.key.id == key_id), None)
        if found is None:
            raise NotFound(f"there is no key {key_id}")
        return found

    async def create(
        self,
        name: str,
        scopes: Sequence[str] = SCOPES,
        by: str = "",
        expires_at: datetime | None = None,
        limits: KeyLimits | None = None,
        owner: str = "",
    ) -> tuple[ApiKey, str]:
        """The stored key and, this one time, the plain text of it. Raises InvalidRequest, Conflict when there are as
        many keys as there may be."""
        _require_sound(name, scopes, expires_at)
        plain = new_api_key()
        wanted = build_api_key(plain, name.strip(), scopes, expires_at)
        wanted = wanted.model_copy(update={"limits": limits or KeyLimits(), "owner": owner.strip()})

        async def edit(work: UnitOfWork, _: int) -> tuple[ApiKey, AuditEvent]:
            if len(await work.keys.all_valid()) >= _MOST_KEYS:
                raise Conflict(f"there are {_MOST_KEYS} keys: revoke some first")
            key = await work.keys.add(wanted)
            return key, AuditEvent(by, "create", "api_key", str(key.id), detail=key.name)

        return await self._desk.change(SnapshotField.API_KEYS, edit), plain

    async def change(self, key_id: int, change: KeyChange, by: str, expected_version: int) -> ApiKey:
        """The key with another name, owner or limits. Raises NotFound, also for a key that was revoked; Conflict when
        it is not as it was at ``expected_version`` (``KeyView.version``) any more."""
        if change.name is not None:
            _require_name(change.name)

        async def edit(work: UnitOfWork, _: int) -> tuple[ApiKey, AuditEvent]:
            before = next((key for key in await work.keys.all_valid() if key.id == key_id), None)
            if before is None:
                raise NotFound(f"there is no key {key_id}")
            require_version(content_fingerprint(before), expected_version, "key")
            key = await work.keys.change(key_id, change)
            return key, AuditEvent(by, "update", "api_key", str(key_id), detail=_described_change(change))

        return await self._desk.change(SnapshotField.API_KEYS, edit)

    async def revoke(self, key_id: int, by: str) -> None:
        """Raises NotFound, also for a key that was revoked before."""

        async def edit(work: UnitOfWork, _: int) -> tuple[None, AuditEvent]:
            key = await work.keys.revoke(key_id)
            if key is None:
                raise NotFound(f"there is no key {key_id}")
            return None, AuditEvent(by, "revoke", "api_key", str(key_id), detail=key.name)

        await self._desk.change(SnapshotField.API_KEYS, edit)


def build_api_key(plain: str, name: str, scopes: Sequence[str] = SCOPES, expires_at: datetime | None = None) -> ApiKey:
    """What is stored of the key ``plain``."""
    return ApiKey(
        id=0, name=name, prefix=key_prefix(plain), digest=key_digest(plain), scopes=tuple(scopes), expires_at=expires_at
    )


def _require_sound(name: str, scopes: Sequence[str], expires_at: datetime | None) -> None:
    _require_name(name)
    if not scopes or not set(scopes) <= set(SCOPES):
        raise InvalidRequest(f"scopes are some of {', '.join(SCOPES)}", param="scopes")
    if expires_at is None:
        return
    if expires_at.tzinfo is None or expires_at <= datetime.now(UTC) or expires_at.year > _LAST_YEAR:
        raise InvalidRequest(
            f"the expiry must lie in the future, before {_LAST_YEAR + 1}, and name its time zone", param="expires_at"
        )


def _require_name(name: str) -> None:
    if not 1 <= len(name.strip()) <= _LONGEST_NAME:
        raise InvalidRequest(f"a key needs a name of 1 to {_LONGEST_NAME} characters", param="name")


def _described_change(change: KeyChange) -> str:
    """What the audit trail says of a change."""
    limits = change.limits.model_dump() if change.limits is not None else {}
    named = {"name": change.name, "owner": change.owner, **limits}
    return ", ".join(f"{field} {value}" for field, value in named.items() if value is not None)
