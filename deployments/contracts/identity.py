"""Who is at the office's desk: a person who signed in, and what a role allows."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person may do. Each role may do all that the ones before it may.

    A viewer reads what is not personal to others, an operator answers people and edits behaviour, an admin also
    decides on people, keys, secrets, the audit trail and the machine.
    """

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, needed: "Role") -> bool:
        """Whether this role may do what ``needed`` may."""
        order = tuple(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Identity:
    """One signed-in person. ``token_id`` names the access token (RFC 7519 ``jti``), ``session_id`` the sign-in that it
    belongs to; neither is the text of a token. ``address`` is where the request comes from."""

    username: str
    role: Role
    must_change_password: bool = False
    token_id: str = ""
    session_id: str = ""
    address: str = ""
