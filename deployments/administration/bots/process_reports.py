"""What the supervisor reports of the processes of bots, and the status that is shown of a bot."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from pydantic import BaseModel

from deployments.contracts.instances import BotAccess


class BotProcessReport(Protocol):
    """The state of the process of a bot, as the supervisor reports it."""

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
    def refused_id(self) -> int: ...
    @property
    def refused_name(self) -> str: ...
    @property
    def restarts(self) -> int: ...
    @property
    def last_update_at(self) -> datetime | None: ...
    @property
    def pid(self) -> int: ...
    @property
    def started_at(self) -> datetime | None: ...


BotReportReader = Callable[[], Awaitable[Sequence[BotProcessReport]]]
"""Asks the supervisor. Raises SecretaryError when it does not answer."""


class BotProcessStatus(BaseModel):
    """``state`` of the process: starting, running, conflict, unreachable, rejected, restarting or stopped; unknown when
    the supervisor does not answer. ``current``: the process runs the newest version of the bot. ``refused_id`` and
    ``refused_name``: the person whom this process refused last, 0 and "" for none. ``pid`` and the times are those of a
    running process."""

    running: bool | None
    state: str
    enabled: bool
    has_token: bool
    active_sessions: int
    access: BotAccess
    allowed_users_count: int
    admin_users_count: int
    current: bool | None = None
    username: str = ""
    error: str = ""
    updates: int = 0
    failures: int = 0
    refused_id: int = 0
    refused_name: str = ""
    restarts: int = 0
    last_update_at: datetime | None = None
    pid: int | None = None
    started_at: datetime | None = None
    uptime_seconds: float | None = None
