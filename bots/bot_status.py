"""How one bot is doing, as its own process and the supervisor tell it. Plain data that pickles."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class BotState(StrEnum):
    """``conflict``: another program polls with the same token. ``rejected``: Telegram does not accept the token;
    only a change of the row helps. ``restarting``: the process died and waits for its next start."""

    STARTING = "starting"
    RUNNING = "running"
    CONFLICT = "conflict"
    UNREACHABLE = "unreachable"
    REJECTED = "rejected"
    RESTARTING = "restarting"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class BotStatus:
    """``error`` says why the bot is not running; ``last_failure`` is the newest turn that ended in an apology. ``pid``
    is 0 until its process tells."""

    id: str
    version: int
    state: BotState = BotState.STARTING
    username: str = ""
    error: str = ""
    updates: int = 0
    failures: int = 0
    last_failure: str = ""
    last_update_at: datetime | None = None
    restarts: int = 0
    pid: int = 0
    started_at: datetime | None = None
