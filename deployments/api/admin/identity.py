"""Who asks: put into the request by the gate in front of every administrative route."""

from dataclasses import dataclass
from typing import cast

from starlette.requests import Request


@dataclass(frozen=True, slots=True)
class Identity:
    username: str
    role: str


def current_identity(request: Request) -> Identity:
    return cast(Identity, request.scope["secretary.identity"])
