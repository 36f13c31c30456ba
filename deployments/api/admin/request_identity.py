"""The person behind a request, as the gate found it."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.types import Scope

from deployments.contracts.identity import Identity

_SLOT = "secretary.identity"


def set_identity(scope: Scope, identity: Identity) -> None:
    scope[_SLOT] = identity


def current_identity(connection: HTTPConnection) -> Identity:
    """For routes: who asks. The gate has let nobody in without one."""
    identity: Identity = connection.scope[_SLOT]
    return identity


def username_of(scope: Scope) -> str:
    """Who asks; "" where no gate stands in front."""
    identity: Identity | None = scope.get(_SLOT)
    return identity.username if identity else ""


Caller = Annotated[Identity, Depends(current_identity)]
