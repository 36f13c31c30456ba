"""The data of the dashboard: engines, doors and latencies. All open dashboards share one cached overview."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from deployments.administration.office.report_ingest import DoorState, StageLatencyPoint
from deployments.contracts.speech import EngineStatus
from deployments.conversation.language_gaps import LanguageGap, find_language_gaps
from ui.panel_services import PanelServices

DOOR_SILENT_AFTER = timedelta(minutes=1)

log = logging.getLogger(__name__)


class SystemHealth(StrEnum):
    """``degraded``: some engine is not ready or fails. ``down``: no engine is ready."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class PanelOverview:
    """The state of the system at ``taken_at``. ``engines`` is None when their status is not available; ``asleep`` are
    the names of those that were put to sleep, which the next question wakes."""

    engines: tuple[EngineStatus, ...] | None
    doors: tuple[DoorState, ...]
    latency: tuple[StageLatencyPoint, ...]
    revision: int
    taken_at: datetime
    language_gaps: tuple[LanguageGap, ...] = ()
    asleep: frozenset[str] = frozenset()

    def works(self, engine: EngineStatus) -> bool:
        """Whether ``engine`` answers the next request."""
        return engine.healthy or engine.name in self.asleep

    @property
    def health(self) -> SystemHealth:
        if not self.engines or not any(engine.ready or engine.name in self.asleep for engine in self.engines):
            return SystemHealth.DOWN
        return SystemHealth.OK if all(self.works(engine) for engine in self.engines) else SystemHealth.DEGRADED

    @property
    def live_doors(self) -> tuple[DoorState, ...]:
        """Doors that reported in the last minute. A replica that was replaced stops reporting."""
        return tuple(door for door in self.doors if self.taken_at - door.last_seen < DOOR_SILENT_AFTER)

    @property
    def up_to_date_door_count(self) -> int:
        """The number of live doors with the newest revision."""
        return sum(door.revision >= self.revision for door in self.live_doors)

    @property
    def live_stream_count(self) -> int:
        return sum(door.live_streams for door in self.live_doors)


class OverviewCache:
    """Reads the status of the engines at most once in ``max_age_s`` seconds, for all dashboards together. A request to
    the engines is given up after ``timeout_s`` seconds."""

    def __init__(
        self,
        services: PanelServices,
        *,
        max_age_s: float = 2.0,
        timeout_s: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._services = services
        self._max_age_s = max_age_s
        self._timeout_s = timeout_s
        self._clock = clock
        self._lock = asyncio.Lock()
        self._newest: PanelOverview | None = None
        self._taken_at = float("-inf")

    async def get(self) -> PanelOverview:
        """The newest overview, at most ``max_age_s`` old."""
        async with self._lock:
            if self._newest is None or self._clock() - self._taken_at > self._max_age_s:
                self._newest = await self._gather()
                self._taken_at = self._clock()
            return self._newest

    async def _gather(self) -> PanelOverview:
        snapshot = self._services.publisher.current
        engines = await self._engines()
        return PanelOverview(
            engines=engines,
            doors=self._services.reports.doors(),
            latency=self._services.reports.latency(60),
            revision=snapshot.revision,
            taken_at=datetime.now(UTC),
            language_gaps=find_language_gaps(snapshot, engines or ()),
            asleep=frozenset(engine.name for engine in engines or () if self._is_asleep(engine)),
        )

    def _is_asleep(self, engine: EngineStatus) -> bool:
        replicas = self._services.operations.replica_registry.replicas(engine.name.partition("/")[0])
        return any(each.state == "sleeping" for each in replicas)

    async def _engines(self) -> tuple[EngineStatus, ...] | None:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._services.assistant.status()
        except Exception as error:  # the dashboard shows any failure and keeps working
            log.warning("the status of the engines is not available: %s", type(error).__name__)
            return None
