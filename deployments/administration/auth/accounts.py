"""Accounts of the panel and the REST API: password login and password change, with lockout and audit events."""

from dataclasses import dataclass, field, replace

from deployments.administration.auth.account_writer import AccountListener, AccountWriter
from deployments.administration.auth.known_networks import KnownNetworks
from deployments.administration.auth.lockout import Lockout
from deployments.administration.auth.passwords import PasswordHashing, require_strong_password
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound, Unauthorized
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.repositories.users import StoredUser
from storage.unit_of_work import UnitOfWork

MAX_USERNAME_LENGTH = 200
_UNKNOWN = "(unknown)"  # an unknown name may be a mistyped password, so it is not logged


@dataclass(frozen=True, slots=True)
class Account:
    """``version`` increases with every change of the account."""

    username: str
    role: str
    must_change_password: bool = False
    version: int = field(default=1, compare=False)


class Accounts:
    """Verifies passwords. ``lockout`` limits failures. Every verified password adds an audit event. The failure that
    exhausts a limit says so in its event; attempts that the lockout rejects add none."""

    def __init__(
        self,
        database: Database,
        passwords: PasswordHashing,
        lockout: Lockout | None = None,
        *,
        account_writer: AccountWriter | None = None,
    ) -> None:
        self._database = database
        self._writer = account_writer or AccountWriter(database)
        self._passwords = passwords
        self._lockout = lockout or Lockout(KnownNetworks(database))

    async def authenticate(self, username: str, password: str, address: str) -> Account:
        """Returns the account of ``username`` if ``password`` is correct.

        Raises Unauthorized. Raises RateLimited (with ``retry_after_s``) after five failures for one name and address in
        5 minutes, after 30 failures from one network in 15 minutes, and after 50 failures for one name in 15 minutes.
        The last limit does not apply to networks from which this user has logged in before.

        An unknown name and a wrong password take the same time and raise the same error. All invalid names share one
        limit.
        """
        name = normalize_username(username)
        if len(name) > MAX_USERNAME_LENGTH or "\0" in name:
            name = ""
        user = await self._verify_password(name, password, address)
        return _to_account(user)

    async def get(self, username: str) -> Account:
        """Returns the stored account. Raises NotFound if it does not exist or is disabled."""
        user = await self._user(normalize_username(username))
        if user is None or not user.enabled:
            raise NotFound("there is no such account")
        return _to_account(user)

    def subscribe(self, listener: AccountListener) -> None:
        """Calls ``listener`` with the name of every account whose sign-ins end because it changed."""
        self._writer.subscribe(listener)

    async def change_password(self, username: str, old: str, new: str, address: str = "") -> Account:
        """Stores the new password, ends every sign-in of the account and returns it.

        Raises Unauthorized if ``old`` is wrong, RateLimited after five such failures, InvalidRequest if ``new`` is too
        weak or equals ``old``, and Conflict if the account changed in the meantime.
        """
        name = normalize_username(username)
        require_strong_password(new, name)
        if old == new:
            raise InvalidRequest("the new password must differ from the old one", param="new")
        verified = await self._verify_password(name, old, address, "change_password")
        password_hash = await self._passwords.hash(new)

        async def edit(work: UnitOfWork) -> Account:
            user = await work.users.get(name)
            if user is None or user.version != verified.version:
                raise Conflict("the account was changed in the meantime; try again")
            return _to_account(
                await work.users.replace(replace(user, password_hash=password_hash, must_change_password=False))
            )

        return await self._writer.change(name, edit)

    async def _verify_password(self, name: str, password: str, address: str, action: str = "login") -> StoredUser:
        attempt = await self._lockout.start_attempt(name, address)
        user = await self._user(name)
        usable = user is not None and user.enabled
        matches = await self._passwords.verify(user.password_hash if user and usable else None, password)
        if user is None or not matches:
            await self._audit(user.username if user else _UNKNOWN, f"{action}_failed", address, attempt.note)
            raise Unauthorized("the name or the password is wrong")
        try:
            await self._audit(name, action, address)
        finally:
            self._lockout.record_success(attempt)
        return user

    async def _user(self, name: str) -> StoredUser | None:
        async with self._database.unit_of_work() as work:
            return await work.users.get(name)

    async def _audit(self, username: str, action: str, address: str, detail: str = "") -> None:
        async with self._database.unit_of_work() as work:
            await work.audit.add(AuditEvent(username, action, "auth", address=address, detail=detail))


def normalize_username(username: str) -> str:
    """Returns the name in the form in which it is stored and compared."""
    return username.strip().casefold()


def _to_account(user: StoredUser) -> Account:
    return Account(user.username, user.role, user.must_change_password, user.version)
