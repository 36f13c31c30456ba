"""API keys of ``/v1``: created, changed and revoked. A key is stored as a digest and published in the snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from deployments.administration.audit.value_changes import model_changes
from deployments.administration.office.drafts import content_fingerprint, require_version
from deployments.administration.office.lookalikes import require_distinct_name
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.office.text_bounds import require_text
from deployments.administration.snapshots.loader import SnapshotField
from deployments.administration.usage.service import UsageAccounting, UsageTotals
from deployments.contracts.api_key import ApiKey, KeyLimits
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound
from deployments.contracts.reports import KeyUsage
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.repositories.keys import KeyChange
from storage.secrets import key_digest, key_prefix, new_api_key
from storage.unit_of_work import UnitOfWork

__all__ = ["DEFAULT_SCOPES", "SCOPES", "ApiKeyAdministration", "ApiKeyView", "KeyChange", "build_api_key"]

DEFAULT_SCOPES = ("chat", "audio", "metrics")
SCOPES = (*DEFAULT_SCOPES, "voices")
"""``voices`` (cloned voices and consents) is given to a key by name only."""
_MAX_NAME_LENGTH = 100
_MAX_KEYS = 1_000
_MAX_EXPIRY_YEAR = 9998


@dataclass(frozen=True, slots=True)
class ApiKeyView:
    """A key as shown to users. ``used_today`` and ``requests_today`` count the current day (UTC); ``last_used_on`` is
    the last day on which it was used."""

    key: ApiKey
    created_at: datetime
    used_today: KeyUsage
    requests_today: int = 0
    last_used_on: date | None = None

    @property
    def version(self) -> int:
        """Version that a change must name as the one it was made from."""
        return content_fingerprint(self.key)


class ApiKeyAdministration:
    """Manages API keys. The text of a key is returned once; only its digest is stored."""

    def __init__(
        self, database: Database, snapshot_writer: SnapshotWriter, usage: UsageAccounting | None = None
    ) -> None:
        self._database = database
        self._writer = snapshot_writer
        self._usage = usage or UsageAccounting(database)

    async def list(self) -> tuple[ApiKey, ...]:
        """Returns all keys that are not revoked, by id."""
        async with self._database.unit_of_work() as work:
            return await work.keys.all_valid()

    async def views(self) -> tuple[ApiKeyView, ...]:
        """Returns all keys that are not revoked, with today's usage, by id."""
        async with self._database.unit_of_work() as work:
            keys, created = await work.keys.all_valid(), await work.keys.creation_times()
        used, days = await self._usage.by_key_today(), await self._usage.last_days()
        none = UsageTotals()
        return tuple(
            ApiKeyView(
                key,
                created[key.id],
                used.get(key.id, none).usage,
                used.get(key.id, none).requests,
                days.get(key.id),
            )
            for key in keys
        )

    async def view(self, key_id: int) -> ApiKeyView:
        """Returns one key. Raises NotFound, also for a revoked key."""
        found = next((view for view in await self.views() if view.key.id == key_id), None)
        if found is None:
            raise NotFound(f"there is no key {key_id}")
        return found

    async def create(
        self,
        name: str,
        scopes: Sequence[str] = DEFAULT_SCOPES,
        by: str = "",
        expires_at: datetime | None = None,
        limits: KeyLimits | None = None,
        owner: str = "",
    ) -> tuple[ApiKey, str]:
        """Returns the stored key and its plain text, which is not stored. Raises InvalidRequest, and Conflict at the
        maximum number of keys."""
        _require_valid(name, scopes, expires_at)
        require_text(owner, _MAX_NAME_LENGTH, "owner")
        plain = new_api_key()
        draft = build_api_key(plain, name.strip(), scopes, expires_at)
        draft = draft.model_copy(update={"limits": limits or KeyLimits(), "owner": owner.strip()})

        async def edit(work: UnitOfWork, _: int) -> tuple[ApiKey, AuditEvent]:
            if len(await work.keys.all_valid()) >= _MAX_KEYS:
                raise Conflict(f"there are {_MAX_KEYS} keys already; revoke some first")
            require_distinct_name(draft.name, [key.name for key in await work.keys.all_valid()], "name")
            key = await work.keys.add(draft)
            return key, AuditEvent(by, "create", "api_key", str(key.id), detail=model_changes(None, key))

        return await self._writer.change(SnapshotField.API_KEYS, edit), plain

    async def change(self, key_id: int, change: KeyChange, by: str, expected_version: int) -> ApiKey:
        """Changes name, owner or limits and returns the key. Raises NotFound, also for a revoked key, and Conflict if
        the key is not at ``expected_version`` (``ApiKeyView.version``)."""
        if change.name is not None:
            _require_name(change.name)
        require_text(change.owner or "", _MAX_NAME_LENGTH, "owner")

        async def edit(work: UnitOfWork, _: int) -> tuple[ApiKey, AuditEvent]:
            before = next((key for key in await work.keys.all_valid() if key.id == key_id), None)
            if before is None:
                raise NotFound(f"there is no key {key_id}")
            if change.name is not None and change.name != before.name:
                names = [key.name for key in await work.keys.all_valid() if key.id != key_id]
                require_distinct_name(change.name, names, "name")
            require_version(content_fingerprint(before), expected_version, "key")
            key = await work.keys.change(key_id, change)
            return key, AuditEvent(by, "update", "api_key", str(key_id), detail=model_changes(before, key))

        return await self._writer.change(SnapshotField.API_KEYS, edit)

    async def revoke(self, key_id: int, by: str) -> None:
        """Revokes a key for good. Raises NotFound, also for a revoked key."""

        async def edit(work: UnitOfWork, _: int) -> tuple[None, AuditEvent]:
            key = await work.keys.revoke(key_id)
            if key is None:
                raise NotFound(f"there is no key {key_id}")
            return None, AuditEvent(by, "revoke", "api_key", str(key_id), detail=model_changes(key, None))

        await self._writer.change(SnapshotField.API_KEYS, edit)


def build_api_key(
    plain: str, name: str, scopes: Sequence[str] = DEFAULT_SCOPES, expires_at: datetime | None = None
) -> ApiKey:
    """Returns the row to store for the key ``plain``."""
    return ApiKey(
        id=0, name=name, prefix=key_prefix(plain), digest=key_digest(plain), scopes=tuple(scopes), expires_at=expires_at
    )


def _require_valid(name: str, scopes: Sequence[str], expires_at: datetime | None) -> None:
    _require_name(name)
    if not scopes or not set(scopes) <= set(SCOPES):
        raise InvalidRequest(f"scopes are some of {', '.join(SCOPES)}", param="scopes")
    if expires_at is None:
        return
    if expires_at.tzinfo is None or expires_at <= datetime.now(UTC) or expires_at.year > _MAX_EXPIRY_YEAR:
        raise InvalidRequest(
            f"the expiry must be in the future, before {_MAX_EXPIRY_YEAR + 1}, and have a time zone", param="expires_at"
        )


def _require_name(name: str) -> None:
    require_text(name, _MAX_NAME_LENGTH + 100, "name")
    if not 1 <= len(name.strip()) <= _MAX_NAME_LENGTH:
        raise InvalidRequest(f"a key needs a name of 1 to {_MAX_NAME_LENGTH} characters", param="name")
