"""People who may open the panel."""

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
_UNKNOWN = "(unknown)"  # what is typed as a name may be a password, so an unknown name is not written down


@dataclass(frozen=True, slots=True)
class Account:
    """``version`` rises with every change of the account."""

    username: str
    role: str
    must_change_password: bool = False
    version: int = field(default=1, compare=False)


class Accounts:
    """Who may log in. Failures are limited by ``lockout``. Every password that is looked at leaves an audit row, and
    the failure that uses up a limit says so in its row; what is refused after it leaves none."""

    def __init__(
        self,
        database: Database,
        passwords: PasswordHashing,
        lockout: Lockout | None = None,
        *,
        account_writer: AccountWriter | None = None,
    ) -> None:
        self._database = database
        self._desk = account_writer or AccountWriter(database)
        self._passwords = passwords
        self._lockout = lockout or Lockout(KnownNetworks(database))

    async def authenticate(self, username: str, password: str, address: str) -> Account:
        """Raises Unauthorized, or RateLimited (with ``retry_after_s``) after five failures in five minutes, after 30
        failures of one network in a quarter of an hour, and after 50 for one name from anywhere in that time: then for
        networks from which this person has never signed in.

        A wrong name and a wrong password take the same time and give the same answer. All names that nobody can have
        count as one.
        """
        name = normalize_username(username)
        if len(name) > MAX_USERNAME_LENGTH or "\0" in name:
            name = ""
        user = await self._checked(name, password, address)
        return _account(user)

    async def get(self, username: str) -> Account:
        """The account as stored now. Raises NotFound, also for a disabled one."""
        user = await self._user(normalize_username(username))
        if user is None or not user.enabled:
            raise NotFound("there is no such account")
        return _account(user)

    def subscribe(self, listener: AccountListener) -> None:
        """``watcher`` is told of every account whose password, role or right to enter changes: its sign-ins end."""
        self._desk.subscribe(listener)

    async def change_password(self, username: str, old: str, new: str, address: str = "") -> Account:
        """The account with its new password; every sign-in it had has ended. Raises Unauthorized when ``old`` is wrong,
        RateLimited after five of these, InvalidRequest when ``new`` is too weak or is the old one, Conflict when the
        account was changed meanwhile."""
        name = normalize_username(username)
        require_strong_password(new, name)
        if old == new:
            raise InvalidRequest("the new password must differ from the old one", param="new")
        checked = await self._checked(name, old, address, "change_password")
        stored = await self._passwords.hash(new)

        async def edit(work: UnitOfWork) -> Account:
            user = await work.users.get(name)
            if user is None or user.version != checked.version:
                raise Conflict("this account was changed by somebody else meanwhile; try again")
            return _account(await work.users.replace(replace(user, password_hash=stored, must_change_password=False)))

        return await self._desk.change(name, edit)

    async def _checked(self, name: str, password: str, address: str, action: str = "login") -> StoredUser:
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
    """A name as it is stored and compared."""
    return username.strip().casefold()


def _account(user: StoredUser) -> Account:
    return Account(user.username, user.role, user.must_change_password, user.version)
