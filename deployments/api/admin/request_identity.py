"""Identity of the caller, which the gate stores in the ASGI scope."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.types import Scope

from deployments.contracts.identity import Identity

_SCOPE_KEY = "secretary.identity"


def set_identity(scope: Scope, identity: Identity) -> None:
    """Stores the caller's identity in the scope."""
    scope[_SCOPE_KEY] = identity


def current_identity(connection: HTTPConnection) -> Identity:
    """Dependency for routes: returns the caller. The gate rejects requests without an identity."""
    identity: Identity = connection.scope[_SCOPE_KEY]
    return identity


def username_of(scope: Scope) -> str:
    """Returns the caller's name, or "" without a gate."""
    identity: Identity | None = scope.get(_SCOPE_KEY)
    return identity.username if identity else ""


Caller = Annotated[Identity, Depends(current_identity)]
