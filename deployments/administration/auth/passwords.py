"""Passwords: argon2id (RFC 9106), in threads of their own, with the same work for people who do not exist."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from deployments.administration.office.thread_pools import DedicatedThreadPool
from deployments.contracts.errors import InvalidRequest

MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_LENGTH = 1_000
_AT_ONCE = 2


class PasswordHashing:
    """Hashes and verifies. ``start`` makes the decoy against which the passwords of unknown people are checked.
    Whoever makes the object closes it."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._threads = DedicatedThreadPool("passwords", _AT_ONCE)
        self._decoy = ""

    async def start(self) -> None:
        self._decoy = await self.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """The argon2id string of ``password``."""
        return await self._threads.run(lambda: self._hasher.hash(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether ``password`` belongs to ``stored``. None means an unknown person: the same work, then False."""
        matches = await self._threads.run(lambda: self._matches(stored or self._decoy, password[:MAX_PASSWORD_LENGTH]))
        return matches and stored is not None

    def close(self) -> None:
        self._threads.close()

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False


def require_strong_password(password: str, username: str, param: str = "new") -> None:
    """Raises InvalidRequest, naming ``param``, for a password that is too short, too long or the name of its owner
    (OWASP ASVS 6.2)."""
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        raise InvalidRequest(f"a password has {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters", param=param)
    if password.casefold() == username.casefold():
        raise InvalidRequest("a password must differ from the name", param=param)
