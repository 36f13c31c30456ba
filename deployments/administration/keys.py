"""Credentials of ``/v1``."""

from collections.abc import Sequence
from datetime import UTC, datetime

from deployments.administration.desk import ChangeDesk
from deployments.administration.snapshots import Part
from deployments.contracts.errors import InvalidRequest, NotFound
from deployments.contracts.settings import ApiKey
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.secrets import digest, new_api_key, prefix
from storage.work import UnitOfWork

SCOPES = ("chat", "audio", "metrics")
_LONGEST_NAME = 100


class ApiKeys:
    """Keys are shown once, stored as digests, and never work again once revoked."""

    def __init__(self, database: Database, desk: ChangeDesk) -> None:
        self._database = database
        self._desk = desk

    async def list(self) -> tuple[ApiKey, ...]:
        """Every key that was not revoked, by id."""
        async with self._database.unit_of_work() as work:
            return await work.keys.valid()

    async def create(
        self, name: str, scopes: Sequence[str] = SCOPES, by: str = "", expires_at: datetime | None = None
    ) -> tuple[ApiKey, str]:
        """The stored key and, this one time, the plain text of it. Raises InvalidRequest."""
        _require_sound(name, scopes, expires_at)
        plain = new_api_key()

        async def edit(work: UnitOfWork, _: int) -> tuple[ApiKey, AuditEvent]:
            key = await work.keys.add(described(plain, name.strip(), scopes, expires_at))
            return key, AuditEvent(by, "create", "api_key", str(key.id), detail=key.name)

        return await self._desk.change(Part.API_KEYS, edit), plain

    async def revoke(self, key_id: int, by: str) -> None:
        """Raises NotFound, also for a key that was revoked before."""

        async def edit(work: UnitOfWork, _: int) -> tuple[None, AuditEvent]:
            key = await work.keys.revoke(key_id)
            if key is None:
                raise NotFound(f"there is no key {key_id}")
            return None, AuditEvent(by, "revoke", "api_key", str(key_id), detail=key.name)

        await self._desk.change(Part.API_KEYS, edit)


def described(plain: str, name: str, scopes: Sequence[str] = SCOPES, expires_at: datetime | None = None) -> ApiKey:
    """What is stored of the key ``plain``."""
    return ApiKey(
        id=0, name=name, prefix=prefix(plain), digest=digest(plain), scopes=tuple(scopes), expires_at=expires_at
    )


def _require_sound(name: str, scopes: Sequence[str], expires_at: datetime | None) -> None:
    if not 1 <= len(name.strip()) <= _LONGEST_NAME:
        raise InvalidRequest(f"a key needs a name of 1 to {_LONGEST_NAME} characters", param="name")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise InvalidRequest(f"scopes are some of {', '.join(SCOPES)}", param="scopes")
    if expires_at is not None and (expires_at.tzinfo is None or expires_at <= datetime.now(UTC)):
        raise InvalidRequest("the expiry must lie in the future and name its time zone", param="expires_at")
