"""Prepares an installation: directories, tables, seed data, first administrator, first API key and environment values.

Preparing twice changes nothing. All steps are one transaction.
"""

import logging
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import SecretStr, ValidationError

from deployments.administration.auth.passwords import PasswordHashing, require_strong_password
from deployments.administration.auth.secret_keys import load_sealer
from deployments.administration.bots.service import BotDraft, build_bot_spec
from deployments.administration.keys.service import build_api_key
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.identity import Role
from deployments.contracts.instances import BotAccess
from deployments.outbound.policy import OutboundPolicy, OutboundRefused
from deployments.outbound.target import parse_target
from storage import seed
from storage.database import Database
from storage.driver_errors import translate_errors
from storage.environment import EVERYONE, Environment
from storage.repositories.audit import AuditEvent
from storage.repositories.users import StoredUser
from storage.secrets import key_digest, new_api_key, read_or_create_secret
from storage.unit_of_work import UnitOfWork

logger = logging.getLogger(__name__)

FIRST_ADMINISTRATOR = "admin"
_ACTOR = "(installation)"
_SEED_KEY = "seeded"
_PASSWORD_VARIABLE = "SECRETARY_ADMIN_PASSWORD"  # noqa: S105
_PASSWORD_KEY = "admin_password_from_environment"  # noqa: S105


@dataclass(frozen=True, slots=True)
class FirstCredentials:
    """Credentials that were generated, in plain text; None where the environment provides one."""

    admin_password: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)


async def prepare_installation(
    environment: Environment, *, passwords: PasswordHashing | None = None, database_timeout_s: float = 10.0
) -> FirstCredentials | None:
    """Idempotent. Returns the credentials when they are generated, else None.

    Raises Conflict when another process still uses the database after ``database_timeout_s``, InvalidRequest for an
    invalid value of the environment, Unavailable when the disk is full.
    """
    with translate_errors():
        for folder in (environment.data, environment.models_dir):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database, hasher = Database(environment.database_url, database_timeout_s), passwords or PasswordHashing()
    await database.open()  # finishes an interrupted restore, which must precede the creation of keys
    try:
        with translate_errors():
            read_or_create_secret(environment.storage_secret_path)
        async with database.unit_of_work() as work:
            return await _Preparation(environment, work, hasher).run()
    finally:
        if passwords is None:
            hasher.close()
        await database.close()


class _Preparation:
    def __init__(self, environment: Environment, work: UnitOfWork, passwords: PasswordHashing) -> None:
        self._environment = environment
        self._work = work
        self._passwords = passwords
        self._changed = False

    async def run(self) -> FirstCredentials | None:
        await self._seed()
        password = await self._administrator()
        key = await self._first_key()
        await self._first_bot()
        if self._changed:
            await self._work.revisions.next()
        return FirstCredentials(password, key) if password or key else None

    async def _seed(self) -> None:
        """Adds the seed data once, so that deleted entries stay deleted."""
        if await self._work.installation.get(_SEED_KEY) is not None:
            return
        for entry in seed.faq():
            await self._work.faq.add(entry)
        for persona in seed.personas():
            await self._work.personas.save(persona)
        await self._work.installation.put(_SEED_KEY, "1")
        await self._audit("seed", "faq")

    async def _administrator(self) -> str | None:
        if await self._work.users.count():
            await self._administrator_from_environment()
            return None
        return await self._first_administrator()

    async def _first_administrator(self) -> str | None:
        given = self._environment.admin_password
        password = given.get_secret_value() if given else secrets.token_urlsafe(12)
        if given is not None:
            require_strong_password(password, FIRST_ADMINISTRATOR, _PASSWORD_VARIABLE)
        stored = await self._passwords.hash(password)
        first = StoredUser(FIRST_ADMINISTRATOR, stored, Role.ADMIN.value, must_change_password=given is None)
        await self._work.users.add(first)
        if given is not None:
            await self._work.installation.put(_PASSWORD_KEY, stored)
        await self._audit("create", "user", FIRST_ADMINISTRATOR)
        return password if given is None else None

    async def _administrator_from_environment(self) -> None:
        """Sets a password that the environment provides for the first time. One that was set before is ignored, so that
        a restart does not revert a change in the panel."""
        given = self._environment.admin_password
        if given is None or await self._work.users.get(FIRST_ADMINISTRATOR) is None:
            return
        password = given.get_secret_value()
        applied = await self._work.installation.get(_PASSWORD_KEY)
        if applied is not None and await self._passwords.verify(applied, password):
            return
        require_strong_password(password, FIRST_ADMINISTRATOR, _PASSWORD_VARIABLE)
        stored = await self._passwords.hash(password)
        await self._work.users.set_password(FIRST_ADMINISTRATOR, stored, must_change=False)
        await self._work.tokens.revoke_user(FIRST_ADMINISTRATOR, datetime.now(UTC))
        await self._work.installation.put(_PASSWORD_KEY, stored)
        await self._audit("set_password", "user", FIRST_ADMINISTRATOR)

    async def _first_key(self) -> str | None:
        given = self._environment.api_key
        if given is not None:
            await self._key_from_environment(given.get_secret_value())
            return None
        if await self._work.keys.any_known():
            return None
        plain = new_api_key()
        await self._add_key(plain, "first key")
        return plain

    async def _key_from_environment(self, plain: str) -> None:
        if not await self._work.keys.is_known(key_digest(plain)):
            await self._add_key(plain, "environment")

    async def _add_key(self, plain: str, name: str) -> None:
        key = await self._work.keys.add(build_api_key(plain, name))
        await self._audit("create", "api_key", str(key.id))

    async def _first_bot(self) -> None:
        token = self._environment.telegram_token
        if token is None or await self._work.bots.all():
            return
        draft = _bot_draft(token, self._environment)
        sealed = load_sealer(self._environment).seal(token.get_secret_value())
        await self._work.bots.save(build_bot_spec("default", draft, sealed))
        await self._audit("create", "bot", "default")
        await self._allow_host(draft.api_url)

    async def _allow_host(self, url: str) -> None:
        """Adds the private server of the environment to ``outbound.allowed_hosts``."""
        settings, place = await self._work.settings.get(), parse_target(url).host_and_port
        try:
            OutboundPolicy.from_settings(settings.outbound).check_target(parse_target(url))
        except OutboundRefused:
            listed = {"allowed_hosts": (*settings.outbound.allowed_hosts, place)}
            opened = settings.model_copy(update={"outbound": settings.outbound.model_copy(update=listed)})
            await self._work.settings.save(opened, await self._work.revisions.current() + 1)
            await self._audit("open", "settings", place)

    async def _audit(self, action: str, resource: str, resource_id: str = "") -> None:
        self._changed = True
        await self._work.audit.add(AuditEvent(_ACTOR, action, resource, resource_id))
        logger.info("prepared: %s %s %s", action, resource, resource_id)


def _bot_draft(token: SecretStr, environment: Environment) -> BotDraft:
    users = environment.telegram_users
    access: BotAccess = "everyone" if users == EVERYONE else "listed"
    allowed = () if access == "everyone" or not users else tuple(map(int, users.split(",")))
    try:
        return BotDraft(
            name="default", token=token, api_url=environment.telegram_api_url, access=access, allowed_users=allowed
        )
    except ValidationError as error:
        reasons = "; ".join(f"telegram_{problem['loc'][0]}: {problem['msg']}" for problem in error.errors())
        raise InvalidRequest(f"invalid bot in the environment: {reasons}") from None
