"""What the dashboard knows: engines, doors and latencies, gathered once for everybody who looks.

However many browsers are open, the engines are asked at most once in ``max_age_s``, and never wait on each other.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from deployments.administration.office.report_ingest import DoorState, StageLatencyPoint
from deployments.contracts.speech import EngineStatus
from ui.panel_services import PanelServices

DOOR_SILENT_AFTER = timedelta(minutes=1)

log = logging.getLogger(__name__)


class SystemHealth(StrEnum):
    """``degraded``: something is missing or fails, the secretary still answers; ``down``: no engine is ready."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class PanelOverview:
    """One look at the whole system. ``engines`` is None when they could not be asked."""

    engines: tuple[EngineStatus, ...] | None
    doors: tuple[DoorState, ...]
    latency: tuple[StageLatencyPoint, ...]
    revision: int
    taken_at: datetime

    @property
    def health(self) -> SystemHealth:
        if not self.engines or not any(engine.ready for engine in self.engines):
            return SystemHealth.DOWN
        return SystemHealth.OK if all(engine.healthy for engine in self.engines) else SystemHealth.DEGRADED

    @property
    def live_doors(self) -> tuple[DoorState, ...]:
        """Doors that reported in the last minute; a replaced replica just stops to."""
        return tuple(door for door in self.doors if self.taken_at - door.last_seen < DOOR_SILENT_AFTER)

    @property
    def up_to_date_door_count(self) -> int:
        """How many live doors run the newest revision."""
        return sum(door.revision >= self.revision for door in self.live_doors)

    @property
    def live_stream_count(self) -> int:
        return sum(door.live_streams for door in self.live_doors)


class OverviewCache:
    """Shared by every open dashboard."""

    def __init__(self, services: PanelServices, *, max_age_s: float = 2.0, timeout_s: float = 3.0) -> None:
        self._services = services
        self._max_age_s = max_age_s
        self._timeout_s = timeout_s
        self._lock = asyncio.Lock()
        self._newest: PanelOverview | None = None
        self._taken_at = float("-inf")

    async def get(self) -> PanelOverview:
        """The newest overview, at most ``max_age_s`` old."""
        async with self._lock:
            if self._newest is None or time.monotonic() - self._taken_at > self._max_age_s:
                self._newest = await self._gather()
                self._taken_at = time.monotonic()
            return self._newest

    async def _gather(self) -> PanelOverview:
        snapshot = self._services.publisher.current
        return PanelOverview(
            engines=await self._engines(),
            doors=self._services.reports.doors(),
            latency=self._services.reports.latency(60),
            revision=snapshot.revision,
            taken_at=datetime.now(UTC),
        )

    async def _engines(self) -> tuple[EngineStatus, ...] | None:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._services.assistant.status()
        except Exception as error:  # whatever broke, the dashboard must say so and go on
            log.warning("engines did not report: %s", type(error).__name__)
            return None
