"""People who may open the panel."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    username: str
    role: str
    must_change_password: bool = False


class Accounts:
    """Who may log in."""

    async def authenticate(self, username: str, password: str, address: str) -> Account:
        """Raises Unauthorized, or RateLimited (with ``retry_after_s``) after five failures in five minutes."""
        raise NotImplementedError

    async def get(self, username: str) -> Account:
        """The account as stored now. Raises NotFound (also when disabled)."""
        raise NotImplementedError

    async def change_password(self, username: str, old: str, new: str) -> None:
        """Raises Unauthorized when ``old`` is wrong, InvalidRequest when ``new`` is too weak."""
        raise NotImplementedError
