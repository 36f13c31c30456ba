"""What the doors tell the office: exchanges are stored exactly once, latencies and door states are kept in memory."""

from dataclasses import dataclass
from datetime import datetime

from deployments.contracts.reports import DoorReport


@dataclass(frozen=True, slots=True)
class StagePoint:
    """Latency of one stage on one route in the minute that begins at ``at`` (UTC). Milliseconds."""

    at: datetime
    stage: str
    route: str
    p50_ms: float
    p95_ms: float
    count: int


@dataclass(frozen=True, slots=True)
class DoorState:
    """The last word of a door. ``last_seen`` is UTC."""

    door: str
    revision: int
    live_streams: int
    last_seen: datetime


class ReportDesk:
    async def accept(self, report: DoorReport) -> None:
        """Stores what is new in ``report``; a repeated delivery changes nothing."""
        raise NotImplementedError

    def latency(self, minutes: int = 60) -> tuple[StagePoint, ...]:
        """One point per minute, stage and route, oldest first."""
        raise NotImplementedError

    def doors(self) -> tuple[DoorState, ...]:
        """Every door that reported lately, by name."""
        raise NotImplementedError
