"""Collects the exchanges, latencies and usage of a door and delivers them to the office in batches, in the
background."""

import asyncio
import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable
from secrets import token_hex

from deployments.contracts.errors import InvalidRequest, Unavailable
from deployments.contracts.exchange import Exchange
from deployments.contracts.proxies import ProxyPoolStatus
from deployments.contracts.reports import PHONE_LINE, DoorReport, OfficeLink, SnapshotSource, StageLatency
from deployments.contracts.timeouts import wait_for_event
from deployments.conversation.usage_tracker import UsageTracker

log = logging.getLogger(__name__)

_REPORT_INTERVAL_S = 1.0
_EXCHANGE_DELAY_S = 0.02
EXCHANGES_PER_REPORT = 500
"""The maximum per report. The office stores this many in about 0.1 s, during which other writes wait."""
_MAX_SAMPLES = 512
_FAQ_PREFIX = "faq:"
_TRANSIENT_ERRORS = (Unavailable, OSError)


class ReportOutbox:
    """A ``TurnObserver`` that sends a ``DoorReport`` once a second, and sooner when an exchange is to be stored.

    Exchanges of stored sessions are delivered at least once; the office deduplicates them by turn id. Up to
    ``capacity`` exchanges wait while the office is away, then the oldest are dropped. An exchange that the office
    rejects with InvalidRequest is dropped alone. ``dropped`` counts both. Turns without a session only count as hits
    and latencies. ``proxies`` returns their present states.
    """

    def __init__(
        self,
        link: OfficeLink,
        door: str,
        snapshots: SnapshotSource,
        capacity: int = 10_000,
        usage: UsageTracker | None = None,
        proxies: Callable[[], tuple[ProxyPoolStatus, ...]] = tuple,
    ) -> None:
        self._link = link
        self._proxies = proxies
        self._door = door
        self._snapshots = snapshots
        self._exchanges: deque[Exchange] = deque()
        self._capacity = capacity
        self._usage = usage or UsageTracker(time.time)
        self._run_id = token_hex(8)
        self._hits: dict[int, int] = defaultdict(int)
        self._stages: dict[tuple[str, str, str], deque[float]] = {}
        self._counts: dict[tuple[str, str, str], int] = defaultdict(int)
        self._sequence = 0
        self._unsent: deque[DoorReport] = deque()
        self._exchange_waiting = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._underruns = self._underruns_avoided = 0
        self.live_streams = self.open_lines = 0
        self.dropped = 0

    def start(self) -> None:
        self._task = self._task or asyncio.create_task(self._deliver_forever(), name=f"reports of {self._door}")

    async def stop(self) -> None:
        """Delivers what is left, within two seconds."""
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
        """Delivers everything that is pending. Drops what the office rejects with InvalidRequest. Raises what else the
        link raises, and keeps the pending reports then."""
        while True:
            if not self._unsent:
                self._unsent.append(self._next_report())
            try:
                receipt = await self._link.report(self._unsent[0])
            except InvalidRequest as error:
                self._unsent.extendleft(reversed(self._split(self._unsent.popleft(), error)))
            else:
                self._unsent.popleft()
                self._usage.acknowledge(receipt)
            if not self._unsent and not self._exchanges:
                return

    def on_stage(self, name: str, seconds: float, source: str, route: str) -> None:
        key = (name, source, _route_kind(route))
        samples = self._stages.get(key)
        if samples is None:
            samples = self._stages[key] = deque(maxlen=_MAX_SAMPLES)
        samples.append(seconds * 1000)
        self._counts[key] += 1
        if name == "faq" and route.startswith(_FAQ_PREFIX):
            self._hits[int(route.removeprefix(_FAQ_PREFIX))] += 1

    def on_stream_opened(self, kind: str) -> None:
        if kind == PHONE_LINE:
            self.open_lines += 1
        else:
            self.live_streams += 1

    def on_stream_closed(self, kind: str) -> None:
        if kind == PHONE_LINE:
            self.open_lines -= 1
        else:
            self.live_streams -= 1

    def on_tokens(self, prompt: int, completion: int, route: str) -> None:
        """Not reported here: ``UsageTracker`` counts tokens per key."""

    def on_audio(self, seconds: float, engine: str) -> None:
        """Not reported here: ``UsageTracker`` counts audio per key."""

    def on_phrase_cache(self, hit: bool) -> None:
        """Not reported."""

    def on_underruns(self, count: int, *, avoided: bool) -> None:
        if avoided:
            self._underruns_avoided += count
        else:
            self._underruns += count

    def on_exchange(self, exchange: Exchange) -> None:
        if exchange.session_id is None:
            return
        if len(self._exchanges) >= self._capacity:
            self._exchanges.popleft()
            self.dropped += 1
        self._exchanges.append(exchange)
        self._exchange_waiting.set()

    async def _deliver_forever(self) -> None:
        while True:
            await self._wait_for_next_report()
            try:
                async with asyncio.timeout(10):
                    await self.flush()
            except Exception as error:
                level = logging.DEBUG if isinstance(error, _TRANSIENT_ERRORS) else logging.WARNING
                log.log(level, "delivering a report of %s failed: %s", self._door, type(error).__name__)

    async def _wait_for_next_report(self) -> None:
        """Sleeps for the report interval, or shortly when an exchange is waiting: the next question may follow at
        once."""
        if await wait_for_event(self._exchange_waiting, _REPORT_INTERVAL_S):
            self._exchange_waiting.clear()
            await asyncio.sleep(_EXCHANGE_DELAY_S)

    @property
    def _undelivered(self) -> int:
        return len(self._exchanges) + sum(len(report.exchanges) for report in self._unsent)

    def _split(self, rejected: DoorReport, error: InvalidRequest) -> list[DoorReport]:
        """The reports to deliver in place of one that the office rejected: its counts alone, its exchanges in halves,
        and nothing for a single exchange.

        The counts keep the sequence number, so the office counts them once. Exchanges may use any sequence number.
        """
        exchanges = rejected.exchanges
        silences = rejected.underruns or rejected.underruns_avoided
        has_counts = bool(rejected.faq_hits or rejected.stages or rejected.usage or silences)
        if exchanges and has_counts:
            return [rejected.model_copy(update={"exchanges": ()}), self._exchanges_only(rejected, exchanges)]
        if len(exchanges) > 1:
            middle = len(exchanges) // 2
            return [self._exchanges_only(rejected, half) for half in (exchanges[:middle], exchanges[middle:])]
        self.dropped += len(exchanges)
        lost = f"the exchange of turn {exchanges[0].turn_id}" if exchanges else "the counts of a report"
        log.warning("the office rejected %s of %s, which is dropped: %s", lost, self._door, error.message)
        return []

    def _exchanges_only(self, report: DoorReport, exchanges: tuple[Exchange, ...]) -> DoorReport:
        self._sequence += 1
        return DoorReport(
            door=self._door,
            run=self._run_id,
            sequence=self._sequence,
            revision=report.revision,
            exchanges=exchanges,
            live_streams=report.live_streams,
            open_lines=report.open_lines,
            proxies=report.proxies,
        )

    def _next_report(self) -> DoorReport:
        self._sequence += 1
        batch = tuple(self._exchanges.popleft() for _ in range(min(EXCHANGES_PER_REPORT, len(self._exchanges))))
        stages = tuple(_stage_latency(key, samples, self._counts[key]) for key, samples in self._stages.items())
        hits = dict(self._hits)
        suffered, avoided = self._underruns, self._underruns_avoided
        self._underruns = self._underruns_avoided = 0
        self._stages.clear()
        self._counts.clear()
        self._hits.clear()
        return DoorReport(
            door=self._door,
            run=self._run_id,
            sequence=self._sequence,
            revision=self._snapshots.current.revision,
            exchanges=batch,
            faq_hits=hits,
            stages=stages,
            usage=self._usage.take_unreported(),
            live_streams=self.live_streams,
            open_lines=self.open_lines,
            underruns=suffered,
            underruns_avoided=avoided,
            proxies=self._proxies(),
        )


def _route_kind(route: str) -> str:
    """``faq:17`` becomes ``faq``: latencies are kept per kind of answer, not per FAQ entry."""
    return route.partition(":")[0] if route.startswith(_FAQ_PREFIX) else route


def _stage_latency(key: tuple[str, str, str], samples: deque[float], count: int) -> StageLatency:
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
