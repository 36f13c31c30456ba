"""Facts of one request that the gate stores in the ASGI scope for the endpoints."""

from dataclasses import dataclass
from secrets import token_hex

from starlette.types import Scope

from deployments.contracts.api_key import ApiKey
from deployments.contracts.errors import Unauthorized
from deployments.contracts.snapshot import Snapshot

_SCOPE_KEY = "secretary.request"


@dataclass(frozen=True, slots=True)
class RequestContext:
    """``id`` is generated here, never taken from the client. ``key`` is None for public paths without a key."""

    id: str
    key: ApiKey | None
    snapshot: Snapshot

    @property
    def required_key(self) -> ApiKey:
        """The API key. Raises Unauthorized when the request has none."""
        if self.key is None:
            raise Unauthorized("Send your API key as a header: Authorization: Bearer <key>.")
        return self.key


def new_request_id() -> str:
    """A new id of 24 hex digits. It becomes the turn id and part of each id in the response."""
    return token_hex(12)


def set_request_context(scope: Scope, context: RequestContext) -> None:
    scope[_SCOPE_KEY] = context


def get_request_context(scope: Scope) -> RequestContext:
    """The context that the gate stored in ``scope``."""
    context: RequestContext = scope[_SCOPE_KEY]
    return context
