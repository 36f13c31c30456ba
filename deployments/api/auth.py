"""Bearer keys: SHA-256 of what was sent, looked up in the snapshot."""

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256

from deployments.contracts.errors import Forbidden, Unauthorized
from deployments.contracts.reports import SnapshotSource
from deployments.contracts.settings import ApiKey, Snapshot

_LONGEST_KEY = 512
_MISSING = "Send your API key as a header: Authorization: Bearer <key>."
_WRONG = "This API key is not known here."
_EXPIRED = "This API key has expired."


class ApiKeyAuthenticator:
    """The keys of the newest snapshot, indexed once per snapshot. ``clock`` gives Unix seconds."""

    def __init__(self, snapshots: SnapshotSource, clock: Callable[[], float]) -> None:
        self._snapshots = snapshots
        self._clock = clock
        self._seen: Snapshot | None = None
        self._keys: dict[str, tuple[ApiKey, float]] = {}

    def authenticate(self, authorization: bytes) -> ApiKey:
        """The key behind an Authorization header. Raises Unauthorized."""
        scheme, _, token = authorization.partition(b" ")
        token = token.strip()
        if scheme.lower() != b"bearer" or not token:
            raise Unauthorized(_MISSING)
        if len(token) > _LONGEST_KEY:
            raise Unauthorized(_WRONG)
        found = self._index().get(sha256(token).hexdigest())
        if found is None:
            raise Unauthorized(_WRONG)
        key, expires_at = found
        if self._clock() >= expires_at:
            raise Unauthorized(_EXPIRED)
        return key

    def _index(self) -> dict[str, tuple[ApiKey, float]]:
        snapshot = self._snapshots.current
        if snapshot is not self._seen:
            self._keys = {key.digest: (key, _deadline(key.expires_at)) for key in snapshot.api_keys}
            self._seen = snapshot
        return self._keys


def require_scope(key: ApiKey, scope: str | None) -> None:
    """Raises Forbidden when ``key`` was not made for this."""
    if scope is not None and scope not in key.scopes:
        raise Forbidden(f"This API key lacks the scope {scope!r}.")


def _deadline(moment: datetime | None) -> float:
    if moment is None:
        return float("inf")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
