"""Phone lines: how many are open now, and how soon and how smoothly they spoke in the last hour."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from deployments.administration.monitoring.latency import LatencyHistory, StageLatencyPoint
from deployments.contracts.chat import SourceKind
from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.reports import DoorReport

_FIRST_SOUND = "first_audio"
_MAX_AGE = timedelta(days=1)


class PhoneLinesReport(FrozenModel):
    """``doors`` serve phone lines, of which ``open_lines`` are open and ``speaking`` speak or listen now. The other
    numbers are of the last ``minutes``, since the start of the office: ``texts`` spoken, their first sound in
    milliseconds (``p95_ms`` of the worst minute), silences within a text, and those that a rescue voice filled."""

    doors: int
    open_lines: int
    speaking: int
    minutes: int
    texts: int
    p50_ms: float | None
    p95_ms: float | None
    underruns: int
    underruns_avoided: int


@dataclass(slots=True)
class _Silences:
    suffered: int = 0
    avoided: int = 0


class PhoneLineHistory:
    """First sounds and underruns per minute for one day."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._first_sounds = LatencyHistory(clock)
        self._silences: dict[datetime, _Silences] = {}

    def add(self, report: DoorReport) -> None:
        """Adds what a door reports for the first time."""
        self._first_sounds.add(
            each for each in report.stages if (each.source, each.stage) == (SourceKind.PHONE.value, _FIRST_SOUND)
        )
        if not report.underruns and not report.underruns_avoided:
            return
        minute = self._clock().replace(second=0, microsecond=0)
        silences = self._silences.setdefault(minute, _Silences())
        silences.suffered += report.underruns
        silences.avoided += report.underruns_avoided
        self._silences = {at: each for at, each in self._silences.items() if at > minute - _MAX_AGE}

    def first_sounds(self, minutes: int) -> tuple[StageLatencyPoint, ...]:
        """The first sound per minute, oldest first."""
        return self._first_sounds.points(minutes)

    def report(self, doors: Iterable[tuple[int, int]], minutes: int = 60) -> PhoneLinesReport:
        """``doors``: the open lines and the live streams of each door that serves phone lines."""
        known = tuple(doors)
        since = self._clock() - timedelta(minutes=minutes)
        silences = [each for at, each in self._silences.items() if at >= since.replace(second=0, microsecond=0)]
        points = self.first_sounds(minutes)
        texts = sum(point.count for point in points)
        return PhoneLinesReport(
            doors=len(known),
            open_lines=sum(lines for lines, _ in known),
            speaking=sum(streams for _, streams in known),
            minutes=minutes,
            texts=texts,
            p50_ms=round(sum(p.count * p.p50_ms for p in points) / texts, 1) if texts else None,
            p95_ms=round(max(p.p95_ms for p in points), 1) if texts else None,
            underruns=sum(each.suffered for each in silences),
            underruns_avoided=sum(each.avoided for each in silences),
        )
