"""Password hashing with argon2id (RFC 9106) in its own threads. Unknown users cost the same work as known ones."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from deployments.administration.auth.common_passwords import is_common
from deployments.administration.office.thread_pools import DedicatedThreadPool
from deployments.contracts.errors import InvalidRequest

MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_LENGTH = 1_000
_THREAD_COUNT = 2


class PasswordHashing:
    """Hashes and verifies passwords. ``start`` creates the hash that passwords of unknown users are checked against.
    The owner calls ``close``."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._threads = DedicatedThreadPool("passwords", _THREAD_COUNT)
        self._dummy_hash = ""

    async def start(self) -> None:
        self._dummy_hash = await self.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """Returns the argon2id string of ``password``."""
        return await self._threads.run(lambda: self._hasher.hash(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Returns whether ``password`` matches ``stored``. None means an unknown user: the same work, then False."""
        matches = await self._threads.run(
            lambda: self._matches(stored or self._dummy_hash, password[:MAX_PASSWORD_LENGTH])
        )
        return matches and stored is not None

    def close(self) -> None:
        self._threads.close()

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False


def require_strong_password(password: str, username: str, param: str = "new") -> None:
    """Raises InvalidRequest, naming ``param``, if the password is too short, too long, common or equal to the username
    (OWASP ASVS 5.0, 6.2)."""
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        raise InvalidRequest(f"a password has {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters", param=param)
    if password.casefold() == username.casefold():
        raise InvalidRequest("a password must differ from the name", param=param)
    if is_common(password, username):
        raise InvalidRequest("this password is too common; use several words that do not belong together", param=param)
