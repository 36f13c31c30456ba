"""Latency of the last day: reports of the doors, merged per minute and kept in memory."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from deployments.contracts.reports import StageLatency

_MAX_AGE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class StageLatencyPoint:
    """Latency in milliseconds of one stage on one route in the minute that starts at ``at`` (UTC).

    Doors report percentiles, which cannot be merged exactly. ``p50_ms`` is their mean weighted by count, ``p95_ms`` is
    their maximum.
    """

    at: datetime
    stage: str
    route: str
    p50_ms: float
    p95_ms: float
    count: int


class LatencyHistory:
    """Stage latencies per minute for one day. All FAQ answers count as the route "faq"."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._minutes: dict[datetime, dict[tuple[str, str], StageLatencyPoint]] = {}

    def add(self, tallies: Iterable[StageLatency]) -> None:
        """Merges ``tallies`` into the current minute."""
        at = self._clock().replace(second=0, microsecond=0)
        minute = self._minutes.setdefault(at, {})
        for tally in tallies:
            if tally.count > 0:
                key = (tally.stage, tally.route.partition(":")[0] if tally.route.startswith("faq:") else tally.route)
                minute[key] = _merged(minute.get(key), tally, at, key[1])
        self._minutes = {m: points for m, points in self._minutes.items() if m > at - _MAX_AGE}

    def clear(self) -> int:
        """Removes all points and returns their number."""
        dropped = sum(len(points) for points in self._minutes.values())
        self._minutes.clear()
        return dropped

    def points(self, minutes: int) -> tuple[StageLatencyPoint, ...]:
        """Returns the points of the last ``minutes``, oldest first."""
        since = self._clock() - timedelta(minutes=minutes)
        recent = sorted(minute for minute in self._minutes if minute >= since.replace(second=0, microsecond=0))
        return tuple(self._minutes[minute][key] for minute in recent for key in sorted(self._minutes[minute]))


def _merged(point: StageLatencyPoint | None, tally: StageLatency, at: datetime, route: str) -> StageLatencyPoint:
    if point is None:
        return StageLatencyPoint(at, tally.stage, route, tally.p50_ms, tally.p95_ms, tally.count)
    count = point.count + tally.count
    p50_ms = (point.p50_ms * point.count + tally.p50_ms * tally.count) / count
    return StageLatencyPoint(at, tally.stage, route, p50_ms, max(point.p95_ms, tally.p95_ms), count)
