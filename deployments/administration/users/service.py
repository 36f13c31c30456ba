"""Users: administrators list, create, change and delete them. Every change ends the user's sign-ins."""

import re
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime

from deployments.administration.audit.value_changes import value_changes
from deployments.administration.auth.account_writer import AccountWriter
from deployments.administration.auth.accounts import normalize_username
from deployments.administration.auth.passwords import PasswordHashing, require_strong_password
from deployments.administration.chat.sessions import detach_user_sessions
from deployments.administration.office.lookalikes import require_distinct_name
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound
from deployments.contracts.identity import Role
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.repositories.users import StoredUser
from storage.unit_of_work import UnitOfWork

_USERNAME = re.compile(r"[\w.@-]{1,100}")
_MAX_USERS = 1_000


@dataclass(frozen=True, slots=True)
class User:
    """A user as shown to administrators. ``version`` increases with every change."""

    username: str
    role: Role
    enabled: bool
    must_change_password: bool
    version: int
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class UserChange:
    """Fields to change; None leaves a field as it is. ``password`` sets a temporary password, ``reset`` generates one.
    The user must change either at the next login."""

    role: Role | None = None
    enabled: bool | None = None
    password: str | None = field(default=None, repr=False)
    reset: bool = False


class UserAdministration:
    """Manages users. Every change ends all sign-ins of the user, in the REST API and the panel."""

    def __init__(self, database: Database, account_writer: AccountWriter, passwords: PasswordHashing) -> None:
        self._database = database
        self._writer = account_writer
        self._passwords = passwords

    async def list(self) -> tuple[User, ...]:
        """Returns all users, ordered by name."""
        async with self._database.unit_of_work() as work:
            return tuple(_to_user(user) for user in await work.users.all())

    async def get(self, username: str) -> User:
        """Returns one user. Raises NotFound."""
        async with self._database.unit_of_work() as work:
            return _to_user(await _get_user(work, normalize_username(username)))

    async def create(self, username: str, role: Role, password: str | None, by: str) -> tuple[User, str | None]:
        """Creates a user and returns it with the generated password, if ``password`` is None. Conversations of an
        earlier user of this name do not belong to the new one.

        Raises InvalidRequest, and Conflict if the name is taken.
        """
        name = normalize_username(username)
        if not _USERNAME.fullmatch(name):
            raise InvalidRequest("a name has 1 to 100 letters, digits, and . _ @ -", param="username")
        generated, stored = await self._first_password(password, name)
        user = StoredUser(name, stored, role.value, must_change_password=True)

        async def edit(work: UnitOfWork) -> StoredUser:
            if await work.users.get(name) is not None:
                raise Conflict("there is already a user of this name", param="username")
            require_distinct_name(name, [other.username for other in await work.users.all()], "username")
            if await work.users.count() >= _MAX_USERS:
                raise Conflict(f"there are {_MAX_USERS} users already; delete one first")
            await detach_user_sessions(work, name)
            added = await work.users.add(user)
            await work.audit.add(AuditEvent(by, "create", "user", name, detail=_describe_change(None, added)))
            return added

        return _to_user(await self._writer.change(name, edit)), generated

    async def update(
        self, username: str, change: UserChange, expected_version: int, by: str
    ) -> tuple[User, str | None]:
        """Changes a user and returns it with the generated password, if one was requested.

        Raises NotFound. Raises Conflict if the user is not at ``expected_version``, if no enabled administrator would
        remain, or if users would change their own role, access or password.
        """
        name = normalize_username(username)
        _require_other_user(name, by, change)
        generated, stored = None, None
        if change.password is not None or change.reset:
            generated, stored = await self._first_password(change.password, name)

        async def edit(work: UnitOfWork) -> StoredUser:
            before = await _get_user(work, name)
            if before.version != expected_version:
                raise Conflict("the user was changed in the meantime; read it again", param="version")
            after = _apply_change(before, change, stored)
            if _is_active_admin(before) and not _is_active_admin(after):
                await _require_other_admin(work, name)
            replaced = await work.users.replace(after)
            await work.audit.add(AuditEvent(by, "update", "user", name, detail=_describe_change(before, after)))
            return replaced

        return _to_user(await self._writer.change(name, edit)), generated

    async def end_sign_ins(self, username: str, by: str) -> None:
        """Ends every sign-in of a user, in the REST API and the panel. Raises NotFound."""
        name = normalize_username(username)

        async def edit(work: UnitOfWork) -> None:
            await _get_user(work, name)
            await work.audit.add(AuditEvent(by, "end_sign_ins", "user", name))

        await self._writer.change(name, edit)

    async def delete(self, username: str, by: str) -> None:
        """Deletes a user. The conversations stay, under a pseudonym that the audit event names.

        Raises NotFound, and Conflict for the own account and for the last enabled administrator.
        """
        name = normalize_username(username)
        if name == normalize_username(by):
            raise Conflict("you cannot delete your own account; ask another administrator")

        async def edit(work: UnitOfWork) -> None:
            before = await _get_user(work, name)
            if _is_active_admin(before):
                await _require_other_admin(work, name)
            pseudonym = await detach_user_sessions(work, name)
            await work.users.remove(name)
            detail = value_changes(_audited(before), {"now": pseudonym})
            await work.audit.add(AuditEvent(by, "delete", "user", name, detail=detail))

        await self._writer.change(name, edit)

    async def _first_password(self, given: str | None, name: str) -> tuple[str | None, str]:
        """Returns the generated password, or None if ``given`` is set, and the argon2id string of the password."""
        if given is not None:
            require_strong_password(given, name, param="password")
            return None, await self._passwords.hash(given)
        generated = secrets.token_urlsafe(12)
        return generated, await self._passwords.hash(generated)


def _to_user(user: StoredUser) -> User:
    return User(user.username, Role(user.role), user.enabled, user.must_change_password, user.version, user.created_at)


def _apply_change(before: StoredUser, change: UserChange, password_hash: str | None) -> StoredUser:
    after = replace(
        before,
        role=before.role if change.role is None else change.role.value,
        enabled=before.enabled if change.enabled is None else change.enabled,
    )
    return after if password_hash is None else replace(after, password_hash=password_hash, must_change_password=True)


def _describe_change(before: StoredUser | None, after: StoredUser | None) -> str:
    """The old and new values for the audit log, without passwords."""
    return value_changes(*(_audited(each) for each in (before, after)))


def _audited(user: StoredUser | None) -> dict[str, object]:
    if user is None:
        return {}
    return {"role": user.role, "enabled": user.enabled, "password": user.password_hash}


def _require_other_user(name: str, by: str, change: UserChange) -> None:
    """Raises Conflict if users would change their own role or access, or their password without the old one."""
    if name != normalize_username(by):
        return
    if change.role is not None or change.enabled is not None:
        raise Conflict("you cannot change your own role or access; ask another administrator")
    if change.password is not None or change.reset:
        raise Conflict("change your own password with the old one: POST /admin/auth/password")


def _is_active_admin(user: StoredUser) -> bool:
    return user.enabled and user.role == Role.ADMIN


async def _require_other_admin(work: UnitOfWork, name: str) -> None:
    if not any(_is_active_admin(user) for user in await work.users.all() if user.username != name):
        raise Conflict("this is the last enabled administrator; appoint another one first")


async def _get_user(work: UnitOfWork, name: str) -> StoredUser:
    user = await work.users.get(name)
    if user is None:
        raise NotFound("there is no such user")
    return user
