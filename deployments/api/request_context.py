"""What the gate knows of a request, for the areas behind it."""

from dataclasses import dataclass
from secrets import token_hex

from starlette.types import Scope

from deployments.contracts.errors import Unauthorized
from deployments.contracts.settings import ApiKey, Snapshot

_SLOT = "secretary.visit"


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request: its own id (never the caller's), the key it came with, the settings it is answered under."""

    id: str
    key: ApiKey | None
    snapshot: Snapshot

    @property
    def required_key(self) -> ApiKey:
        """The key, where the gate has let nobody in without one."""
        if self.key is None:
            raise Unauthorized("Send your API key as a header: Authorization: Bearer <key>.")
        return self.key


def new_request_id() -> str:
    """A fresh id of 24 hex digits; it is the turn id, and part of every id in the answer."""
    return token_hex(12)


def set_request_context(scope: Scope, context: RequestContext) -> None:
    scope[_SLOT] = context


def get_request_context(scope: Scope) -> RequestContext:
    """The visit that the gate has noted in ``scope``."""
    visit: RequestContext = scope[_SLOT]
    return visit
