"""What a door saw, kept in a bounded buffer and delivered to the office in batches, off the path of every answer."""

import asyncio
import logging
import time
from collections import defaultdict, deque
from secrets import token_hex

from deployments.contracts.errors import InvalidRequest, Unavailable
from deployments.contracts.reports import DoorReport, OfficeLink, SnapshotSource, StageLatency
from deployments.contracts.settings import Exchange
from deployments.contracts.timeouts import wait_for_event
from deployments.conversation.usage_tracker import UsageTracker

log = logging.getLogger(__name__)

_EVERY_S = 1.0
_EXCHANGE_S = 0.02
EXCHANGES_PER_REPORT = 500
"""How many of a backlog travel at once: the office takes a tenth of a second for them, in which changes wait."""
_SAMPLES = 512
_HIT_PREFIX = "faq:"
_PASSING = (Unavailable, OSError)


class ReportOutbox:
    """A TurnObserver that reports once a second, and at once when an exchange is to be stored.

    Exchanges that belong to a stored session are delivered at least once, each with its turn id, so that the office
    stores them exactly once; while the office is away up to ``capacity`` wait and the oldest give way. One that the
    office can never store (InvalidRequest) holds nothing up: it is let go alone. Both kinds are counted in ``dropped``.
    Turns without a session only add to hits and latencies.
    """

    def __init__(
        self,
        link: OfficeLink,
        door: str,
        snapshots: SnapshotSource,
        capacity: int = 10_000,
        usage: UsageTracker | None = None,
    ) -> None:
        self._link = link
        self._door = door
        self._snapshots = snapshots
        self._exchanges: deque[Exchange] = deque()
        self._capacity = capacity
        self._usage = usage or UsageTracker(time.time)
        self._run = token_hex(8)
        self._hits: dict[int, int] = defaultdict(int)
        self._stages: dict[tuple[str, str, str], deque[float]] = {}
        self._counts: dict[tuple[str, str, str], int] = defaultdict(int)
        self._sequence = 0
        self._unsent: deque[DoorReport] = deque()
        self._waiting = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.live_streams = 0
        self.dropped = 0

    def start(self) -> None:
        self._task = self._task or asyncio.create_task(self._deliver_forever(), name=f"reports of {self._door}")

    async def stop(self) -> None:
        """Delivers what is left, if the office answers within two seconds."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
            try:
                async with asyncio.timeout(2):
                    await self.flush()
            except Exception as error:
                log.warning("%d exchanges of %s were not delivered: %s", self._undelivered, self._door, error)

    async def flush(self) -> None:
        """Delivers everything there is now, but what the office refuses as impossible to store. Raises what else the
        link raises; nothing is lost then."""
        while True:
            if not self._unsent:
                self._unsent.append(self._next_report())
            try:
                receipt = await self._link.report(self._unsent[0])
            except InvalidRequest as error:
                self._unsent.extendleft(reversed(self._divided(self._unsent.popleft(), error)))
            else:
                self._unsent.popleft()
                self._usage.acknowledge(receipt)
            if not self._unsent and not self._exchanges:
                return

    def stage(self, name: str, seconds: float, source: str, route: str) -> None:
        key = (name, source, _family(route))
        samples = self._stages.get(key)
        if samples is None:
            samples = self._stages[key] = deque(maxlen=_SAMPLES)
        samples.append(seconds * 1000)
        self._counts[key] += 1
        if name == "faq" and route.startswith(_HIT_PREFIX):
            self._hits[int(route.removeprefix(_HIT_PREFIX))] += 1

    def stream_opened(self, kind: str) -> None:
        self.live_streams += 1

    def stream_closed(self, kind: str) -> None:
        self.live_streams -= 1

    def tokens(self, prompt: int, completion: int, route: str) -> None:
        """Counted by the metrics, and by the usage book for whom they were used."""

    def audio(self, seconds: float, engine: str) -> None:
        """Counted by the metrics, and by the usage book for whom it was made."""

    def phrase_cache(self, hit: bool) -> None:
        """Counted by the metrics, not reported."""

    def exchange(self, exchange: Exchange) -> None:
        if exchange.session_id is None:
            return
        if len(self._exchanges) >= self._capacity:
            self._exchanges.popleft()
            self.dropped += 1
        self._exchanges.append(exchange)
        self._waiting.set()

    async def _deliver_forever(self) -> None:
        while True:
            await self._pause()
            try:
                async with asyncio.timeout(10):
                    await self.flush()
            except Exception as error:
                level = logging.DEBUG if isinstance(error, _PASSING) else logging.WARNING
                log.log(level, "office does not take reports of %s: %s", self._door, type(error).__name__)

    async def _pause(self) -> None:
        """A second, or less when an exchange waits: the next question of that person may follow at once."""
        if await wait_for_event(self._waiting, _EVERY_S):
            self._waiting.clear()
            await asyncio.sleep(_EXCHANGE_S)

    @property
    def _undelivered(self) -> int:
        return len(self._exchanges) + sum(len(report.exchanges) for report in self._unsent)

    def _divided(self, refused: DoorReport, error: InvalidRequest) -> list[DoorReport]:
        """What is delivered in place of a report that the office refused: its numbers alone, its exchanges in halves,
        and nothing in place of one that cannot be divided further.

        The numbers keep the sequence of the report, which lets the office count them once whatever became of it.
        Exchanges may come under any sequence, the office knows each by its turn.
        """
        said = refused.exchanges
        numbers = bool(refused.faq_hits or refused.stages or refused.usage)
        if said and numbers:
            return [refused.model_copy(update={"exchanges": ()}), self._exchanges_alone(refused, said)]
        if len(said) > 1:
            middle = len(said) // 2
            return [self._exchanges_alone(refused, half) for half in (said[:middle], said[middle:])]
        self.dropped += len(said)
        lost = f"the exchange of turn {said[0].turn_id}" if said else "the numbers of a report"
        log.warning("the office cannot store %s of %s, it is dropped: %s", lost, self._door, error.message)
        return []

    def _exchanges_alone(self, report: DoorReport, exchanges: tuple[Exchange, ...]) -> DoorReport:
        self._sequence += 1
        return DoorReport(
            door=self._door,
            run=self._run,
            sequence=self._sequence,
            revision=report.revision,
            exchanges=exchanges,
            live_streams=report.live_streams,
        )

    def _next_report(self) -> DoorReport:
        self._sequence += 1
        batch = tuple(self._exchanges.popleft() for _ in range(min(EXCHANGES_PER_REPORT, len(self._exchanges))))
        stages = tuple(_tally(key, samples, self._counts[key]) for key, samples in self._stages.items())
        hits = dict(self._hits)
        self._stages.clear()
        self._counts.clear()
        self._hits.clear()
        return DoorReport(
            door=self._door,
            run=self._run,
            sequence=self._sequence,
            revision=self._snapshots.current.revision,
            exchanges=batch,
            faq_hits=hits,
            stages=stages,
            usage=self._usage.take_unreported(),
            live_streams=self.live_streams,
        )


def _family(route: str) -> str:
    """``faq:17`` -> ``faq``: the plot has a line per kind of answer, not per entry."""
    return route.partition(":")[0] if route.startswith(_HIT_PREFIX) else route


def _tally(key: tuple[str, str, str], samples: deque[float], count: int) -> StageLatency:
    ordered = sorted(samples)
    stage, source, route = key
    return StageLatency(
        stage=stage,
        source=source,
        route=route,
        count=count,
        p50_ms=ordered[len(ordered) // 2],
        p95_ms=ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))],
        max_ms=ordered[-1],
    )
