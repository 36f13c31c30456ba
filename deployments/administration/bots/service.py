"""Administration of Telegram bots. The bot processes follow the published snapshot."""

import hmac
import re
from collections.abc import Sequence

from pydantic import Field, SecretStr, field_validator

from deployments.administration.bots.buttons import MAX_BUTTONS, ButtonDraft, require_distinct_buttons
from deployments.administration.office.drafts import NamedDraft, RouteName
from deployments.administration.office.host_addresses import parse_server_url, url_origin
from deployments.administration.office.outbound_check import require_outbound_allowed
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.office.spec_administration import NamedSpecAdministration
from deployments.administration.proxies.drafts import LinkTexts, open_links, proxy_fields
from deployments.administration.snapshots.loader import SnapshotField
from deployments.administration.speech.presets import require_preset
from deployments.contracts.errors import Conflict, InvalidRequest
from deployments.contracts.frozen_model import Language
from deployments.contracts.instances import BotAccess, BotSpec
from deployments.contracts.proxies import ProxyPolicy
from deployments.contracts.sampling import Sampling
from proxies.links import masked_host
from storage.database import Database
from storage.repositories.specs import SpecRepository
from storage.secrets import SealBroken, Sealer
from storage.unit_of_work import UnitOfWork

_TOKEN = re.compile(r"\d{1,20}:[\w-]{1,100}", re.ASCII)


class BotDraft(NamedDraft):
    """The editable fields of a bot. None keeps the stored ``token`` or ``vless_urls``."""

    description: str = Field(default="", max_length=2_000)
    token: SecretStr | None = None
    enabled: bool = True
    api_url: str = Field(default="https://api.telegram.org", max_length=500)
    vless_urls: LinkTexts | None = None
    proxy_policy: ProxyPolicy = Field(
        default="never_direct", description="direct_allowed asks Telegram without a proxy when none works"
    )
    access: BotAccess = "listed"
    allowed_users: tuple[int, ...] = Field(default=(), max_length=10_000)
    admin_users: tuple[int, ...] = Field(default=(), max_length=1_000)
    welcome_message: str = Field(default="", max_length=4000)
    help_message: str = Field(default="", max_length=4000, description="Reply to /help; empty: the built-in text")
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
    def _check_token(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not _TOKEN.fullmatch(token.get_secret_value()):
            raise ValueError("a bot token is a number, a colon and letters, as @BotFather gives it")
        return token

    @field_validator("api_url")
    @classmethod
    def _check_server_url(cls, url: str) -> str:
        return parse_server_url(url)

    @field_validator("action_buttons")
    @classmethod
    def _check_distinct(cls, buttons: tuple[ButtonDraft, ...]) -> tuple[ButtonDraft, ...]:
        require_distinct_buttons(buttons)
        return buttons


class BotAdministration(NamedSpecAdministration[BotSpec, BotDraft]):
    """Tokens are sealed before they are stored. A draft raises InvalidRequest for a new bot without a token, for a
    speech preset that does not exist, and when ``api_url`` moves to another server without a new token, because a
    stored token is only sent to the server it was given for; Conflict when another bot has the token; OutboundRefused
    for a private Bot API server that is not in ``outbound.allowed_hosts``."""

    field = SnapshotField.BOTS
    noun = resource = "bot"
    draft_model = BotDraft

    def __init__(self, database: Database, writer: SnapshotWriter, sealer: Sealer) -> None:
        super().__init__(database, writer)
        self._sealer = sealer

    async def restart(self, bot_id: str, by: str) -> BotSpec:
        """Raises the version, so that the supervisor replaces the process of the bot. Raises NotFound; Conflict for a
        bot that is switched off."""

        async def raise_version(_: UnitOfWork, before: BotSpec) -> BotSpec:
            if not before.enabled:
                raise Conflict("this bot is switched off: start it instead")
            return before.model_copy(update={"version": before.version + 1})

        return await self._change(bot_id, raise_version, by, None, action="restart")

    def token_hint(self, spec: BotSpec) -> str:
        """The last four characters of the token behind stars; "" without a token or when it cannot be opened."""
        try:
            return f"****{self.unseal_token(spec)[-4:]}" if spec.sealed_token else ""
        except SealBroken:
            return ""

    def proxy_hosts(self, spec: BotSpec) -> tuple[str, ...]:
        """Hosts of the proxies of the bot, mostly masked; empty when the links cannot be opened."""
        return tuple(masked_host(link) for link in open_links(self._sealer, spec.sealed_proxies))

    def unseal_token(self, spec: BotSpec) -> str:
        """The plain token. Raises SealBroken when it was sealed with another secret key."""
        return self._sealer.open(spec.sealed_token)

    def _repository(self, work: UnitOfWork) -> SpecRepository[BotSpec]:
        return work.bots

    async def _build(self, work: UnitOfWork, key: str, draft: BotDraft, before: BotSpec | None) -> BotSpec:
        others = [bot for bot in await work.bots.all() if bot.id != key]
        sealed = self._sealed_token(draft, before, others)
        if before is None or draft.api_url != before.api_url:
            await require_outbound_allowed(work, draft.api_url)
        await require_preset(work, draft.tts_preset, "tts_preset")
        proxies = await proxy_fields(work, self._sealer, before, draft.vless_urls)
        spec = build_bot_spec(key, draft, sealed, before.version + 1 if before else 1)
        return spec.model_copy(update=proxies)

    def _sealed_token(self, draft: BotDraft, before: BotSpec | None, others: Sequence[BotSpec]) -> str:
        if draft.token is not None:
            token = draft.token.get_secret_value()
            if any(self.has_token(bot, token) for bot in others):
                raise Conflict("another bot already has this token", param="token")
            return self._sealer.seal(token)
        if before is None:
            raise InvalidRequest("a new bot needs its token", param="token")
        if url_origin(draft.api_url) != url_origin(before.api_url):
            raise InvalidRequest("another Bot API server needs the token again", param="token")
        return before.sealed_token

    def has_token(self, bot: BotSpec, token: str) -> bool:
        """Whether ``token`` is that of the stored bot."""
        try:
            return hmac.compare_digest(self.unseal_token(bot), token)
        except SealBroken:
            return False


def build_bot_spec(bot_id: str, draft: BotDraft, sealed_token: str, version: int = 1) -> BotSpec:
    """The stored form of ``draft``."""
    return BotSpec(
        id=bot_id, sealed_token=sealed_token, version=version, **draft.model_dump(exclude={"token", "vless_urls"})
    )
