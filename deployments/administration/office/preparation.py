"""Makes an installation ready: directories, tables, seed, first administrator, first key and what the environment asks.

Every step looks whether it was done before, so that preparing twice changes nothing, and all steps are one transaction.
"""

import logging
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import SecretStr, ValidationError

from deployments.administration.auth.passwords import PasswordHashing
from deployments.administration.auth.secret_keys import load_sealer
from deployments.administration.bots.service import BotDraft, build_bot_spec
from deployments.administration.keys.service import build_api_key
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.identity import Role
from deployments.outbound.policy import OutboundPolicy, OutboundRefused
from deployments.outbound.target import parse_target
from storage import seed
from storage.database import Database
from storage.driver_errors import translate_errors
from storage.environment import Environment
from storage.repositories.audit import AuditEvent
from storage.repositories.users import StoredUser
from storage.secrets import key_digest, new_api_key, read_or_create_secret
from storage.unit_of_work import UnitOfWork

logger = logging.getLogger(__name__)

FIRST_ADMINISTRATOR = "admin"
_SELF = "(installation)"
_SEED_FACT = "seeded"
_PASSWORD_FACT = "admin_password_from_environment"  # noqa: S105


@dataclass(frozen=True, slots=True)
class FirstCredentials:
    """Credentials that were generated just now, in plain text; None where the environment gave one."""

    admin_password: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)


async def prepare_installation(
    environment: Environment, *, passwords: PasswordHashing | None = None, database_timeout_s: float = 10.0
) -> FirstCredentials | None:
    """Idempotent. The generated credentials the one time they are made, else None. Waits ``patience_s`` for another
    process to leave the database.

    Raises Conflict when another process uses the database, InvalidRequest when a value of the environment cannot work,
    Unavailable when the disk is full.
    """
    with translate_errors():
        for folder in (environment.data, environment.models_dir):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database, hasher = Database(environment.database_url, database_timeout_s), passwords or PasswordHashing()
    await database.open()  # ends a restore that was interrupted: keys are made after it
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
        await self._sow()
        password = await self._administrator()
        key = await self._first_key()
        await self._first_bot()
        if self._changed:
            await self._work.revisions.next()
        return FirstCredentials(password, key) if password or key else None

    async def _sow(self) -> None:
        """Once in the life of an installation: what people delete stays deleted."""
        if await self._work.installation.get(_SEED_FACT) is not None:
            return
        for entry in seed.faq():
            await self._work.faq.add(entry)
        for persona in seed.personas():
            await self._work.personas.save(persona)
        await self._work.installation.put(_SEED_FACT, "1")
        await self._note("seed", "faq")

    async def _administrator(self) -> str | None:
        if await self._work.users.count():
            await self._administrator_from_environment()
            return None
        return await self._first_administrator()

    async def _first_administrator(self) -> str | None:
        given = self._environment.admin_password
        password = given.get_secret_value() if given else secrets.token_urlsafe(12)
        stored = await self._passwords.hash(password)
        first = StoredUser(FIRST_ADMINISTRATOR, stored, Role.ADMIN.value, must_change_password=given is None)
        await self._work.users.add(first)
        if given is not None:
            await self._work.installation.put(_PASSWORD_FACT, stored)
        await self._note("create", "user", FIRST_ADMINISTRATOR)
        return password if given is None else None

    async def _administrator_from_environment(self) -> None:
        """Applies a password that the environment gives for the first time. One that was applied before is left
        alone, so that a restart does not undo a password which was since changed in the panel."""
        given = self._environment.admin_password
        if given is None or await self._work.users.get(FIRST_ADMINISTRATOR) is None:
            return
        password = given.get_secret_value()
        applied = await self._work.installation.get(_PASSWORD_FACT)
        if applied is not None and await self._passwords.verify(applied, password):
            return
        stored = await self._passwords.hash(password)
        await self._work.users.set_password(FIRST_ADMINISTRATOR, stored, must_change=False)
        await self._work.tokens.revoke_user(FIRST_ADMINISTRATOR, datetime.now(UTC))
        await self._work.installation.put(_PASSWORD_FACT, stored)
        await self._note("set_password", "user", FIRST_ADMINISTRATOR)

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
        await self._note("create", "api_key", str(key.id))

    async def _first_bot(self) -> None:
        token = self._environment.telegram_token
        if token is None or await self._work.bots.all():
            return
        draft = _bot_draft(token, self._environment.telegram_api_url)
        sealed = load_sealer(self._environment).seal(token.get_secret_value())
        await self._work.bots.save(build_bot_spec("default", draft, sealed))
        await self._note("create", "bot", "default")
        await self._open(draft.api_url)

    async def _open(self, url: str) -> None:
        """Whoever sets the environment may name a server of their own: it is listed as if an administrator did it."""
        settings, place = await self._work.settings.get(), parse_target(url).host_and_port
        try:
            OutboundPolicy.from_settings(settings.outbound).check_target(parse_target(url))
        except OutboundRefused:
            listed = {"allowed_hosts": (*settings.outbound.allowed_hosts, place)}
            opened = settings.model_copy(update={"outbound": settings.outbound.model_copy(update=listed)})
            await self._work.settings.save(opened, await self._work.revisions.current() + 1)
            await self._note("open", "settings", place)

    async def _note(self, action: str, resource: str, resource_id: str = "") -> None:
        self._changed = True
        await self._work.audit.add(AuditEvent(_SELF, action, resource, resource_id))
        logger.info("prepared: %s %s %s", action, resource, resource_id)


def _bot_draft(token: SecretStr, api_url: str) -> BotDraft:
    try:
        return BotDraft(name="default", token=token, api_url=api_url)
    except ValidationError as error:
        reasons = "; ".join(f"telegram_{problem['loc'][0]}: {problem['msg']}" for problem in error.errors())
        raise InvalidRequest(f"the environment's bot cannot work: {reasons}") from None
