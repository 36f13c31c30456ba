"""HTTP bodies of Telegram bots. Tokens are accepted and never returned."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, SecretStr, model_validator

from deployments.administration.bots.process_reports import BotProcessStatus
from deployments.administration.bots.service import BotDraft
from deployments.administration.office.drafts import StorableModel
from deployments.administration.office.host_addresses import parse_server_url
from deployments.administration.proxies.drafts import LinkTexts
from deployments.api.admin.request_bodies import LEGACY_FIELD_NAMES, instance_fields, rename_fields
from deployments.contracts.instances import ActionButton, BotAccess, BotSpec
from deployments.contracts.proxies import ProxyPolicy
from deployments.contracts.sampling import Sampling

_FIELD_ALIASES = {**LEGACY_FIELD_NAMES, "bot_token": "token"}
_READ_ONLY = {"has_token", "running", "proxies", "proxy_hosts"}
_MASK = "*"


def bot_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """``body`` with the field names of ``BotDraft``, in its buttons too. An empty, null or masked token is dropped,
    which keeps the stored one. Null ``vless_urls`` are cleared."""
    named = instance_fields(body, _FIELD_ALIASES)
    buttons = named.get("action_buttons")
    if isinstance(buttons, list):
        named["action_buttons"] = [_button(each) for each in buttons]
    if not named.get("token") or str(named["token"]).startswith(_MASK):
        named.pop("token", None)
    if "vless_urls" in named and named["vless_urls"] is None:
        named["vless_urls"] = ()
    return {name: value for name, value in named.items() if name not in _READ_ONLY}


def _button(body: object) -> object:
    return rename_fields(body, LEGACY_FIELD_NAMES) if isinstance(body, dict) else body


class NewBot(BotDraft):
    """A null field takes its default."""

    @model_validator(mode="before")
    @classmethod
    def _rename_fields(cls, body: object) -> object:
        if not isinstance(body, dict):
            return body
        return {name: value for name, value in bot_fields(body).items() if value is not None}

    def draft(self) -> BotDraft:
        return BotDraft(**{name: getattr(self, name) for name in BotDraft.model_fields})


class TokenCheckBody(StorableModel):
    """What a bot would be created with, as far as it concerns the way to Telegram."""

    token: SecretStr = Field(max_length=200)
    api_url: Annotated[str, Field(max_length=500), AfterValidator(parse_server_url)] = "https://api.telegram.org"
    vless_urls: LinkTexts = ()
    proxy_policy: ProxyPolicy = "never_direct"


class ButtonReply(BaseModel):
    id: str
    label: str
    icon: str
    enabled: bool
    order: int
    llm_backend: str
    system_prompt: str
    llm_params: Sampling

    @classmethod
    def of(cls, button: ActionButton) -> "ButtonReply":
        shown = button.model_dump(exclude={"route", "llm_params"})
        return cls(**shown, llm_backend=button.route, llm_params=button.llm_params)


class BotReply(BaseModel):
    """``bot_token`` shows only the last four characters."""

    id: str
    name: str
    description: str
    enabled: bool
    bot_token: str
    has_token: bool
    api_url: str
    access: BotAccess
    allowed_users: list[int]
    admin_users: list[int]
    welcome_message: str
    help_message: str
    unauthorized_message: str
    error_message: str
    typing_enabled: bool
    language: str
    route: str
    persona_id: str
    system_prompt: str
    llm_params: Sampling
    voice_id: str
    tts_preset: str
    answer_voice_with_voice: bool
    action_buttons: list[ButtonReply]
    proxies: int
    proxy_hosts: list[str]
    proxy_policy: ProxyPolicy
    version: int
    running: bool | None = None

    @classmethod
    def of(cls, spec: BotSpec, hint: str, running: bool | None = None, proxy_hosts: tuple[str, ...] = ()) -> "BotReply":
        shown = spec.model_dump(include=set(cls.model_fields) - {"llm_params", "action_buttons"})
        return cls(
            **shown,
            llm_params=spec.llm_params,
            action_buttons=[ButtonReply.of(button) for button in spec.action_buttons],
            bot_token=hint,
            has_token=bool(spec.sealed_token),
            proxies=len(proxy_hosts),
            proxy_hosts=list(proxy_hosts),
            running=running,
        )


class BotList(BaseModel):
    instances: list[BotReply]


class BotInstanceReply(BaseModel):
    status: str = "ok"
    instance_id: str
    instance: BotReply


class BotStatusReply(BaseModel):
    status: BotProcessStatus


class DefaultBotStatus(BotProcessStatus):
    """Repeats the fields at the top level for older clients, which know a single bot."""

    status: BotProcessStatus

    @classmethod
    def of(cls, state: BotProcessStatus) -> "DefaultBotStatus":
        return cls(**state.model_dump(), status=state)


class BotSessionReply(BaseModel):
    user_id: str
    chat_session_id: str
    display_name: str
    created_at: datetime
    updated_at: datetime


class BotSessionPage(BaseModel):
    sessions: list[BotSessionReply]
    total: int
    limit: int
    offset: int


class BotLogReply(BaseModel):
    """``logs``: log lines of the bot, newest last."""

    logs: str


class BotSessionsEndedReply(BaseModel):
    status: Literal["ok"] = "ok"
    cleared: int
