"""The status of one bot, as reported by its process and by the supervisor. Picklable."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class BotState(StrEnum):
    """``conflict``: another program polls with the same token. ``rejected``: Telegram does not accept the token, and
    the bot starts again only when its row changes. ``restarting``: the process died and will be started again."""

    STARTING = "starting"
    RUNNING = "running"
    CONFLICT = "conflict"
    UNREACHABLE = "unreachable"
    REJECTED = "rejected"
    RESTARTING = "restarting"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class BotStatus:
    """``error`` is the reason why the bot is not running. ``updates`` and ``failures`` count since the process started;
    ``last_failure`` is the newest error of a turn. ``refused_id`` and ``refused_name`` are those of the person who was
    refused last, 0 and "" for none. ``pid`` is 0 when the process is not known."""

    id: str
    version: int
    state: BotState = BotState.STARTING
    username: str = ""
    error: str = ""
    updates: int = 0
    failures: int = 0
    last_failure: str = ""
    refused_id: int = 0
    refused_name: str = ""
    last_update_at: datetime | None = None
    restarts: int = 0
    pid: int = 0
    started_at: datetime | None = None
