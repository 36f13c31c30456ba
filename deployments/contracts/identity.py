"""The signed-in user of the office, and the roles."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Roles in ascending order. Each role includes the permissions of the ones before it.

    A viewer reads what is not personal data of others. An operator answers people and edits behaviour. An admin also
    manages users, keys, secrets, the audit log and the machine.
    """

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, needed: "Role") -> bool:
        """Whether this role includes the permissions of ``needed``."""
        order = tuple(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Identity:
    """A signed-in user. ``token_id`` is the ``jti`` of the access token (RFC 7519), ``session_id`` its sign-in.
    ``address`` is the IP address of the client."""

    username: str
    role: Role
    must_change_password: bool = False
    token_id: str = ""
    session_id: str = ""
    address: str = ""
