"""Telegram bots, as people declare them."""

import hmac
import re
from collections.abc import Mapping, Sequence

from pydantic import Field, SecretStr, field_validator

from deployments.administration.bots.buttons import MAX_BUTTONS, ButtonDraft, require_distinct_buttons
from deployments.administration.office.drafts import (
    Draft,
    RouteName,
    apply_changes,
    changed_fields,
    require_capacity,
    require_version,
)
from deployments.administration.office.host_addresses import parse_server_url, url_origin
from deployments.administration.office.outbound_check import require_outbound_allowed
from deployments.administration.office.slugs import free_slug
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.snapshots.loader import SnapshotField
from deployments.administration.speech.presets import require_preset
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound
from deployments.contracts.frozen_model import Language
from deployments.contracts.instances import BotSpec
from deployments.contracts.sampling import Sampling
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.secrets import SealBroken, Sealer
from storage.unit_of_work import UnitOfWork

_TOKEN = re.compile(r"\d+:[\w-]+", re.ASCII)


class BotDraft(Draft):
    """What a person declares. ``token`` None keeps the stored one."""

    name: str = Field(min_length=1, max_length=100)
    description: str = Field(default="", max_length=2_000)
    token: SecretStr | None = None
    enabled: bool = True
    api_url: str = Field(default="https://api.telegram.org", max_length=500)
    allowed_users: tuple[int, ...] = Field(default=(), max_length=10_000)
    admin_users: tuple[int, ...] = Field(default=(), max_length=1_000)
    welcome_message: str = Field(default="", max_length=4000)
    unauthorized_message: str = Field(default="", max_length=4000)
    error_message: str = Field(default="", max_length=4000)
    typing_enabled: bool = True
    language: Language = "ru"
    route: RouteName = ""
    persona_id: str = Field(default="", max_length=50)
    system_prompt: str = Field(default="", max_length=20_000)
    llm_params: Sampling = Sampling()
    voice_id: str = Field(default="", max_length=100)
    tts_preset: str = Field(default="", max_length=100)
    answer_voice_with_voice: bool = True
    action_buttons: tuple[ButtonDraft, ...] = Field(default=(), max_length=MAX_BUTTONS)

    @field_validator("token")
    @classmethod
    def _looks_like_a_token(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not _TOKEN.fullmatch(token.get_secret_value()):
            raise ValueError("a bot token is a number, a colon and letters, as @BotFather gives it")
        return token

    @field_validator("api_url")
    @classmethod
    def _is_a_server(cls, url: str) -> str:
        return parse_server_url(url)

    @field_validator("action_buttons")
    @classmethod
    def _are_distinct(cls, buttons: tuple[ButtonDraft, ...]) -> tuple[ButtonDraft, ...]:
        require_distinct_buttons(buttons)
        return buttons


class BotAdministration:
    """Declares bots; what runs follows the snapshot. Tokens are sealed before they are stored."""

    def __init__(self, database: Database, writer: SnapshotWriter, sealer: Sealer) -> None:
        self._database = database
        self._desk = writer
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
        """Raises InvalidRequest without a token or for a speech preset that does not exist, Conflict when another bot
        has this token, Refused for a Bot API server of one's own that is not in ``outbound.allowed_hosts``."""

        async def edit(work: UnitOfWork, _: int) -> tuple[BotSpec, AuditEvent]:
            bot_id = free_slug(draft.name, {bot.id for bot in await work.bots.all()})
            return await self._added(work, bot_id, draft, by)

        return await self._desk.change(SnapshotField.BOTS, edit)

    async def update(self, bot_id: str, draft: BotDraft, expected_version: int, by: str) -> BotSpec:
        """Raises NotFound, Conflict, Refused; InvalidRequest for a speech preset that does not exist, and when
        ``api_url`` moves to another server without a new token: a stored token is never sent to a server it was not
        given for."""

        async def edit(work: UnitOfWork, _: int) -> tuple[BotSpec, AuditEvent]:
            before = await _existing(work, bot_id)
            require_version(before.version, expected_version, "bot")
            return await self._replaced(work, before, draft, by)

        return await self._desk.change(SnapshotField.BOTS, edit)

    async def change(
        self, bot_id: str, changes: Mapping[str, object], by: str, expected_version: int | None = None
    ) -> BotSpec:
        """Changes the fields that are given, in the names of ``BotDraft``; ``expected_version`` None means whatever the
        version is. Raises what ``update`` raises."""

        async def edit(work: UnitOfWork, _: int) -> tuple[BotSpec, AuditEvent]:
            before = await _existing(work, bot_id)
            require_version(before.version, expected_version, "bot")
            draft = apply_changes(BotDraft, before.model_dump(include=set(BotDraft.model_fields)), changes)
            return await self._replaced(work, before, draft, by)

        return await self._desk.change(SnapshotField.BOTS, edit)

    async def update_or_create(
        self, bot_id: str, changes: Mapping[str, object], by: str, expected_version: int | None = None
    ) -> BotSpec:
        """``change``, or ``create`` under this very id when there is no such bot: then Conflict when a version is
        expected."""

        async def edit(work: UnitOfWork, _: int) -> tuple[BotSpec, AuditEvent]:
            before = await work.bots.get(bot_id)
            require_version(before.version if before else 0, expected_version, "bot")
            if before is None:
                return await self._added(work, bot_id, apply_changes(BotDraft, {"name": bot_id}, changes), by)
            draft = apply_changes(BotDraft, before.model_dump(include=set(BotDraft.model_fields)), changes)
            return await self._replaced(work, before, draft, by)

        return await self._desk.change(SnapshotField.BOTS, edit)

    async def restart(self, bot_id: str, by: str) -> BotSpec:
        """Raises the version, so that the process that runs the old one is replaced. Raises NotFound, Conflict for a
        bot that is switched off."""

        async def edit(work: UnitOfWork, _: int) -> tuple[BotSpec, AuditEvent]:
            before = await _existing(work, bot_id)
            if not before.enabled:
                raise Conflict("this bot is switched off: start it instead")
            spec = before.model_copy(update={"version": before.version + 1})
            await work.bots.replace(spec)
            return spec, AuditEvent(by, "restart", "bot", bot_id)

        return await self._desk.change(SnapshotField.BOTS, edit)

    async def delete(self, bot_id: str, by: str, expected_version: int | None = None) -> None:
        """Raises NotFound, Conflict."""

        async def edit(work: UnitOfWork, _: int) -> tuple[None, AuditEvent]:
            before = await _existing(work, bot_id)
            require_version(before.version, expected_version, "bot")
            await work.bots.remove(bot_id)
            return None, AuditEvent(by, "delete", "bot", bot_id)

        await self._desk.change(SnapshotField.BOTS, edit)

    def token_hint(self, spec: BotSpec) -> str:
        """The last four characters of the token behind stars; "" when it cannot be opened."""
        try:
            return f"****{self.unseal_token(spec)[-4:]}" if spec.sealed_token else ""
        except SealBroken:
            return ""

    def unseal_token(self, spec: BotSpec) -> str:
        """The plain token. Raises SealBroken when the secret key is not the one that sealed it."""
        return self._sealer.open(spec.sealed_token)

    async def _added(self, work: UnitOfWork, bot_id: str, draft: BotDraft, by: str) -> tuple[BotSpec, AuditEvent]:
        if draft.token is None:
            raise InvalidRequest("a new bot needs its token", param="token")
        known = await work.bots.all()
        require_capacity(known, "bots")
        self._require_unused(draft.token, known)
        await require_outbound_allowed(work, draft.api_url)
        await require_preset(work, draft.tts_preset, "tts_preset")
        spec = build_bot_spec(bot_id, draft, self._sealer.seal(draft.token.get_secret_value()))
        await work.bots.add(spec)
        return spec, AuditEvent(by, "create", "bot", bot_id)

    async def _replaced(
        self, work: UnitOfWork, before: BotSpec, draft: BotDraft, by: str
    ) -> tuple[BotSpec, AuditEvent]:
        others = [bot for bot in await work.bots.all() if bot.id != before.id]
        if draft.api_url != before.api_url:
            await require_outbound_allowed(work, draft.api_url)
        await require_preset(work, draft.tts_preset, "tts_preset")
        spec = build_bot_spec(before.id, draft, self._sealed(draft, before, others), before.version + 1)
        await work.bots.replace(spec)
        return spec, AuditEvent(by, "update", "bot", before.id, detail=changed_fields(before, spec))

    def _sealed(self, draft: BotDraft, before: BotSpec, others: Sequence[BotSpec]) -> str:
        if draft.token is not None:
            self._require_unused(draft.token, others)
            return self._sealer.seal(draft.token.get_secret_value())
        if url_origin(draft.api_url) != url_origin(before.api_url):
            raise InvalidRequest("another Bot API server needs the token anew", param="token")
        return before.sealed_token

    def _require_unused(self, token: SecretStr, bots: Sequence[BotSpec]) -> None:
        if any(self._has_token(bot, token.get_secret_value()) for bot in bots):
            raise Conflict("another bot already has this token", param="token")

    def _has_token(self, bot: BotSpec, token: str) -> bool:
        try:
            return hmac.compare_digest(self.unseal_token(bot), token)
        except SealBroken:
            return False


def build_bot_spec(bot_id: str, draft: BotDraft, sealed_token: str, version: int = 1) -> BotSpec:
    """The stored form of ``draft``."""
    return BotSpec(id=bot_id, sealed_token=sealed_token, version=version, **draft.model_dump(exclude={"token"}))


async def _existing(work: UnitOfWork, bot_id: str) -> BotSpec:
    bot = await work.bots.get(bot_id)
    if bot is None:
        raise NotFound(f"there is no bot {bot_id!r}")
    return bot
