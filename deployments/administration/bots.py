"""Telegram bots, as people declare them."""

import hmac
import itertools
import re
import unicodedata
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, SecretStr, field_validator

from deployments.administration.desk import ChangeDesk
from deployments.administration.snapshots import Part
from deployments.contracts.chat import Route
from deployments.contracts.errors import Conflict, InvalidRequest, ModelNotFound, NotFound
from deployments.contracts.settings import BotSpec, Frozen, Language
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.secrets import SealBroken, Sealer
from storage.work import UnitOfWork

_TOKEN = re.compile(r"\d+:[\w-]+", re.ASCII)
_LONGEST_SLUG = 50


class BotDraft(Frozen):
    """What a person declares. ``token`` None keeps the stored one."""

    model_config = ConfigDict(hide_input_in_errors=True)

    name: str = Field(min_length=1, max_length=100)
    token: SecretStr | None = None
    enabled: bool = True
    api_url: str = Field(default="https://api.telegram.org", max_length=500)
    allowed_users: tuple[int, ...] = Field(default=(), max_length=10_000)
    welcome_message: str = Field(default="", max_length=4000)
    unauthorized_message: str = Field(default="", max_length=4000)
    error_message: str = Field(default="", max_length=4000)
    language: Language = "ru"
    route: str = Field(default="", max_length=100)
    persona_id: str = Field(default="", max_length=50)
    voice_id: str = Field(default="", max_length=100)
    answer_voice_with_voice: bool = True

    @field_validator("token")
    @classmethod
    def _looks_like_a_token(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not _TOKEN.fullmatch(token.get_secret_value()):
            raise ValueError("a bot token is a number, a colon and letters, as @BotFather gives it")
        return token

    @field_validator("api_url")
    @classmethod
    def _is_a_server(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ValueError("use the address of a Bot API server, for example https://api.telegram.org")
        return url.rstrip("/")

    @field_validator("route")
    @classmethod
    def _is_a_route(cls, route: str) -> str:
        try:
            Route.parse(route)
        except ModelNotFound as error:
            raise ValueError(error.message) from None
        return route


class BotAdministration:
    """Declares bots; what runs follows the snapshot. Tokens are sealed before they are stored."""

    def __init__(self, database: Database, desk: ChangeDesk, sealer: Sealer) -> None:
        self._database = database
        self._desk = desk
        self._sealer = sealer

    async def list(self) -> tuple[BotSpec, ...]:
        """Every bot by id."""
        async with self._database.unit_of_work() as work:
            return await work.bots.all()

    async def get(self, bot_id: str) -> BotSpec:
        """Raises NotFound."""
        async with self._database.unit_of_work() as work:
            return await _existing(work, bot_id)

    async def create(self, draft: BotDraft, by: str) -> BotSpec:
        """Raises InvalidRequest without a token, Conflict when another bot has this token."""
        token = draft.token
        if token is None:
            raise InvalidRequest("a new bot needs its token", param="token")

        async def edit(work: UnitOfWork, _: int) -> tuple[BotSpec, AuditEvent]:
            bots = await work.bots.all()
            self._require_unused(token, bots)
            bot_id = free_slug(draft.name, {bot.id for bot in bots})
            spec = declared(bot_id, draft, self._sealer.seal(token.get_secret_value()))
            await work.bots.add(spec)
            return spec, AuditEvent(by, "create", "bot", bot_id)

        return await self._desk.change(Part.BOTS, edit)

    async def update(self, bot_id: str, draft: BotDraft, expected_version: int, by: str) -> BotSpec:
        """Raises NotFound, Conflict; InvalidRequest when ``api_url`` moves to another server without a new token:
        a stored token is never sent to a server it was not given for."""

        async def edit(work: UnitOfWork, _: int) -> tuple[BotSpec, AuditEvent]:
            before = await _existing(work, bot_id)
            if before.version != expected_version:
                raise Conflict("this bot was changed by somebody else meanwhile; read it again", param="version")
            others = [bot for bot in await work.bots.all() if bot.id != bot_id]
            spec = declared(bot_id, draft, self._sealed(draft, before, others), before.version + 1)
            await work.bots.replace(spec)
            return spec, AuditEvent(by, "update", "bot", bot_id, detail=_difference(before, spec))

        return await self._desk.change(Part.BOTS, edit)

    async def delete(self, bot_id: str, by: str) -> None:
        """Raises NotFound."""

        async def edit(work: UnitOfWork, _: int) -> tuple[None, AuditEvent]:
            await _existing(work, bot_id)
            await work.bots.remove(bot_id)
            return None, AuditEvent(by, "delete", "bot", bot_id)

        await self._desk.change(Part.BOTS, edit)

    def open_token(self, spec: BotSpec) -> str:
        """The plain token. Raises SealBroken when the secret key is not the one that sealed it."""
        return self._sealer.open(spec.sealed_token)

    def _sealed(self, draft: BotDraft, before: BotSpec, others: Sequence[BotSpec]) -> str:
        if draft.token is not None:
            self._require_unused(draft.token, others)
            return self._sealer.seal(draft.token.get_secret_value())
        if _origin(draft.api_url) != _origin(before.api_url):
            raise InvalidRequest("another Bot API server needs the token anew", param="token")
        return before.sealed_token

    def _require_unused(self, token: SecretStr, bots: Sequence[BotSpec]) -> None:
        if any(self._has_token(bot, token.get_secret_value()) for bot in bots):
            raise Conflict("another bot already has this token", param="token")

    def _has_token(self, bot: BotSpec, token: str) -> bool:
        try:
            return hmac.compare_digest(self.open_token(bot), token)
        except SealBroken:
            return False


def declared(bot_id: str, draft: BotDraft, sealed_token: str, version: int = 1) -> BotSpec:
    """The stored form of ``draft``."""
    return BotSpec(id=bot_id, sealed_token=sealed_token, version=version, **draft.model_dump(exclude={"token"}))


def free_slug(name: str, taken: Collection[str]) -> str:
    """An id made of ``name`` (letters of any script, digits, - and _) that is not ``taken``."""
    slug = "-".join(_spelled(name).split()).strip("-")[:_LONGEST_SLUG] or "bot"
    numbered = (f"{slug[: _LONGEST_SLUG - len(f'-{n}')]}-{n}" for n in itertools.count(2))
    return next(candidate for candidate in itertools.chain((slug,), numbered) if candidate not in taken)


def _spelled(name: str) -> str:
    """``name`` in compatibility forms ("M²" is "m2"), without the numerals that Python alone takes for letters."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c if c.isalpha() or c.isdecimal() or c in "-_" else " " for c in folded)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _difference(before: BotSpec, after: BotSpec) -> str:
    names = (name for name in BotSpec.model_fields if name != "version")
    return ", ".join(name for name in names if getattr(before, name) != getattr(after, name))


async def _existing(work: UnitOfWork, bot_id: str) -> BotSpec:
    bot = await work.bots.get(bot_id)
    if bot is None:
        raise NotFound(f"there is no bot {bot_id!r}")
    return bot
