"""API key authentication: the SHA-256 digest of the bearer token is looked up in the snapshot."""

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256

from deployments.contracts.api_key import ApiKey
from deployments.contracts.errors import Forbidden, Unauthorized
from deployments.contracts.reports import SnapshotSource
from deployments.contracts.snapshot import Snapshot

_MAX_KEY_LENGTH = 512
_MISSING = "Send your API key as a header: Authorization: Bearer <key>."
_UNKNOWN = "This API key is unknown."
_EXPIRED = "This API key has expired."


class ApiKeyAuthenticator:
    """Authenticates against the keys of the current snapshot, indexed once per snapshot. ``clock`` gives Unix
    seconds."""

    def __init__(self, snapshots: SnapshotSource, clock: Callable[[], float]) -> None:
        self._snapshots = snapshots
        self._clock = clock
        self._indexed_snapshot: Snapshot | None = None
        self._by_digest: dict[str, tuple[ApiKey, float]] = {}

    def authenticate(self, authorization: bytes) -> ApiKey:
        """The key of an Authorization header. Raises Unauthorized."""
        scheme, _, token = authorization.partition(b" ")
        token = token.strip()
        if scheme.lower() != b"bearer" or not token:
            raise Unauthorized(_MISSING)
        if len(token) > _MAX_KEY_LENGTH:
            raise Unauthorized(_UNKNOWN)
        found = self._keys_by_digest().get(sha256(token).hexdigest())
        if found is None:
            raise Unauthorized(_UNKNOWN)
        key, expires_at = found
        if self._clock() >= expires_at:
            raise Unauthorized(_EXPIRED)
        return key

    def _keys_by_digest(self) -> dict[str, tuple[ApiKey, float]]:
        snapshot = self._snapshots.current
        if snapshot is not self._indexed_snapshot:
            self._by_digest = {key.digest: (key, _expiry_timestamp(key.expires_at)) for key in snapshot.api_keys}
            self._indexed_snapshot = snapshot
        return self._by_digest


def require_scope(key: ApiKey, scope: str | None) -> None:
    """Raises Forbidden when ``key`` lacks ``scope``. None needs no scope."""
    if scope is not None and scope not in key.scopes:
        raise Forbidden(f"This API key lacks the scope {scope!r}.")


def _expiry_timestamp(moment: datetime | None) -> float:
    if moment is None:
        return float("inf")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
