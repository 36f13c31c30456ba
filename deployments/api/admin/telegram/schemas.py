"""Telegram bots over HTTP. Tokens go in and never come out."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Literal, Protocol

from pydantic import AliasChoices, BaseModel, Field, SecretStr

from deployments.administration.bots import BotDraft
from deployments.contracts.instances import BotSpec


class BotReport(Protocol):
    """How a bot's process does, as the supervisor of the bots tells it."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def error(self) -> str: ...
    @property
    def updates(self) -> int: ...
    @property
    def failures(self) -> int: ...
    @property
    def restarts(self) -> int: ...
    @property
    def last_update_at(self) -> datetime | None: ...


BotReports = Callable[[], Awaitable[Sequence[BotReport]]]
"""Asks the supervisor. Raises a SecretaryError when it cannot be asked."""


class NewBot(BotDraft):
    token: SecretStr | None = Field(default=None, validation_alias=AliasChoices("token", "bot_token"))

    def draft(self) -> BotDraft:
        return BotDraft(**{name: getattr(self, name) for name in BotDraft.model_fields})


class BotReply(BaseModel):
    """``bot_token`` shows the last four characters only."""

    id: str
    name: str
    enabled: bool
    bot_token: str
    has_token: bool
    api_url: str
    allowed_users: list[int]
    welcome_message: str
    unauthorized_message: str
    error_message: str
    language: str
    route: str
    persona_id: str
    voice_id: str
    answer_voice_with_voice: bool
    version: int
    running: bool | None = None

    @classmethod
    def of(cls, spec: BotSpec, hint: str, running: bool | None = None) -> "BotReply":
        shown = spec.model_dump(include=set(cls.model_fields))
        return cls(**shown, bot_token=hint, has_token=bool(spec.sealed_token), running=running)


class BotList(BaseModel):
    instances: list[BotReply]


class BotDone(BaseModel):
    status: str = "ok"
    instance_id: str
    instance: BotReply


class BotState(BaseModel):
    """``state`` is that of the bot's process: starting, running, conflict, unreachable, rejected, restarting or
    stopped; unknown when the supervisor of the bots cannot be asked. ``current``: the process runs the newest version
    of its row."""

    running: bool | None
    state: str
    enabled: bool
    has_token: bool
    active_sessions: int
    allowed_users_count: int
    current: bool | None = None
    username: str = ""
    error: str = ""
    updates: int = 0
    failures: int = 0
    restarts: int = 0
    last_update_at: datetime | None = None


class BotStateReply(BaseModel):
    status: BotState


class SessionItem(BaseModel):
    user_id: str
    chat_session_id: str
    display_name: str
    created_at: datetime
    updated_at: datetime


class SessionPage(BaseModel):
    sessions: list[SessionItem]
    total: int
    limit: int
    offset: int


class BotLog(BaseModel):
    """``logs``: lines of the bot's own process, the newest last."""

    logs: str


class Ended(BaseModel):
    status: Literal["ok"] = "ok"
    cleared: int
