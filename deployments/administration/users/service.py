"""People who may sign in, as administrators decide."""

import re
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime

from deployments.administration.auth.account_writer import AccountWriter
from deployments.administration.auth.accounts import normalize_username
from deployments.administration.auth.passwords import PasswordHashing, require_strong_password
from deployments.administration.chat.sessions import detach_user_sessions
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound
from deployments.contracts.identity import Role
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.repositories.users import StoredUser
from storage.unit_of_work import UnitOfWork

_NAME = re.compile(r"[\w.@-]{1,100}")
_MOST_USERS = 1_000


@dataclass(frozen=True, slots=True)
class User:
    """A person as administrators see one. ``version`` rises with every change."""

    username: str
    role: Role
    enabled: bool
    must_change_password: bool
    version: int
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class UserChange:
    """What is to change; None leaves a thing as it is. ``password`` is a new first password, ``reset`` asks for a
    generated one; either must be changed by its owner before anything else."""

    role: Role | None = None
    enabled: bool | None = None
    password: str | None = field(default=None, repr=False)
    reset: bool = False


class UserAdministration:
    """Every change ends all sign-ins of the person, here and in the panel."""

    def __init__(self, database: Database, account_writer: AccountWriter, passwords: PasswordHashing) -> None:
        self._database = database
        self._desk = account_writer
        self._passwords = passwords

    async def list(self) -> tuple[User, ...]:
        """Everybody by name."""
        async with self._database.unit_of_work() as work:
            return tuple(_shown(user) for user in await work.users.all())

    async def get(self, username: str) -> User:
        """Raises NotFound."""
        async with self._database.unit_of_work() as work:
            return _shown(await _existing(work, normalize_username(username)))

    async def create(self, username: str, role: Role, password: str | None, by: str) -> tuple[User, str | None]:
        """The new person and, this one time, the password that was generated because none was given. Whatever was
        left under this name is nobody's.

        Raises InvalidRequest, Conflict when the name is taken.
        """
        name = normalize_username(username)
        if not _NAME.fullmatch(name):
            raise InvalidRequest("a name has 1 to 100 letters, digits, and . _ @ -", param="username")
        generated, stored = await self._first_password(password, name)
        user = StoredUser(name, stored, role.value, must_change_password=True)

        async def edit(work: UnitOfWork) -> StoredUser:
            if await work.users.get(name) is not None:
                raise Conflict("there is somebody of this name", param="username")
            if await work.users.count() >= _MOST_USERS:
                raise Conflict(f"there are {_MOST_USERS} people: delete somebody first")
            await detach_user_sessions(work, name)
            added = await work.users.add(user)
            await work.audit.add(AuditEvent(by, "create", "user", name, detail=f"role {role.value}"))
            return added

        return _shown(await self._desk.change(name, edit)), generated

    async def update(
        self, username: str, change: UserChange, expected_version: int, by: str
    ) -> tuple[User, str | None]:
        """The changed person and, if one was asked for, the generated password.

        Raises NotFound; Conflict when somebody changed the person meanwhile, when no enabled administrator would be
        left, or when people would shut themselves out.
        """
        name = normalize_username(username)
        _require_another(name, by, change)
        generated, stored = None, None
        if change.password is not None or change.reset:
            generated, stored = await self._first_password(change.password, name)

        async def edit(work: UnitOfWork) -> StoredUser:
            before = await _existing(work, name)
            if before.version != expected_version:
                raise Conflict("this person was changed by somebody else meanwhile; read it again", param="version")
            after = _changed(before, change, stored)
            if _is_ruling(before) and not _is_ruling(after):
                await _require_other_ruler(work, name)
            replaced = await work.users.replace(after)
            await work.audit.add(AuditEvent(by, "update", "user", name, detail=_difference(before, after)))
            return replaced

        return _shown(await self._desk.change(name, edit)), generated

    async def delete(self, username: str, by: str) -> None:
        """Leaves the person's conversations to nobody; the audit row says what the person is called there. Raises
        NotFound, Conflict for oneself and for the last enabled administrator."""
        name = normalize_username(username)
        if name == normalize_username(by):
            raise Conflict("nobody deletes their own account: ask another administrator")

        async def edit(work: UnitOfWork) -> None:
            if _is_ruling(await _existing(work, name)):
                await _require_other_ruler(work, name)
            former = await detach_user_sessions(work, name)
            await work.users.remove(name)
            await work.audit.add(AuditEvent(by, "delete", "user", name, detail=f"now {former}"))

        await self._desk.change(name, edit)

    async def _first_password(self, given: str | None, name: str) -> tuple[str | None, str]:
        """The generated password, if none is given, and the argon2id string of the one that counts."""
        if given is not None:
            require_strong_password(given, name, param="password")
            return None, await self._passwords.hash(given)
        generated = secrets.token_urlsafe(12)
        return generated, await self._passwords.hash(generated)


def _shown(user: StoredUser) -> User:
    return User(user.username, Role(user.role), user.enabled, user.must_change_password, user.version, user.created_at)


def _changed(before: StoredUser, change: UserChange, password_hash: str | None) -> StoredUser:
    after = replace(
        before,
        role=before.role if change.role is None else change.role.value,
        enabled=before.enabled if change.enabled is None else change.enabled,
    )
    return after if password_hash is None else replace(after, password_hash=password_hash, must_change_password=True)


def _difference(before: StoredUser, after: StoredUser) -> str:
    """What changed, without the password."""
    named = {
        f"role {before.role} -> {after.role}": before.role != after.role,
        "enabled" if after.enabled else "disabled": before.enabled != after.enabled,
        "password": before.password_hash != after.password_hash,
    }
    return ", ".join(name for name, changed in named.items() if changed)


def _require_another(name: str, by: str, change: UserChange) -> None:
    """Raises Conflict when people would lower or lock themselves, or set their password without the old one."""
    if name != normalize_username(by):
        return
    if change.role is not None or change.enabled is not None:
        raise Conflict("nobody changes their own role or locks themselves out: ask another administrator")
    if change.password is not None or change.reset:
        raise Conflict("change your own password with the old one: POST /admin/auth/password")


def _is_ruling(user: StoredUser) -> bool:
    return user.enabled and user.role == Role.ADMIN


async def _require_other_ruler(work: UnitOfWork, name: str) -> None:
    if not any(_is_ruling(user) for user in await work.users.all() if user.username != name):
        raise Conflict("this is the last enabled administrator: make somebody else one first")


async def _existing(work: UnitOfWork, name: str) -> StoredUser:
    user = await work.users.get(name)
    if user is None:
        raise NotFound("there is nobody of this name")
    return user
