"""What the doors tell the office: exchanges are stored exactly once, latencies and door states are kept in memory."""

import hashlib
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from deployments.administration.chat.titles import title_from_question
from deployments.administration.monitoring.latency import LatencyHistory, StageLatencyPoint
from deployments.administration.usage.service import UsageAccounting
from deployments.contracts.chat import SourceKind
from deployments.contracts.reports import DoorReport, ReportAcknowledgement
from deployments.contracts.sessions import StoredSession
from deployments.contracts.settings import Exchange
from storage.database import Database
from storage.unit_of_work import UnitOfWork

__all__ = ["DoorState", "ReportIngest", "StageLatencyPoint"]

_REPETITION_EXPECTED = timedelta(days=1)
_FORGETS_EVERY = timedelta(minutes=10)
_DOOR_FORGOTTEN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class DoorState:
    """The last word of a door. ``last_seen`` is UTC."""

    door: str
    revision: int
    live_streams: int
    last_seen: datetime


class ReportIngest:
    """Takes reports. One that fails to be stored raises and may be delivered again, as often as it takes; but
    InvalidRequest says that it holds something that will never be stored."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        usage: UsageAccounting | None = None,
    ) -> None:
        self._database = database
        self._usage = usage or UsageAccounting(database, clock)
        self._clock = clock
        self._latency = LatencyHistory(clock)
        self._doors: dict[str, DoorState] = {}
        self._last_counted: dict[str, tuple[int, str]] = {}
        self._forgets_at = clock()

    async def accept(self, report: DoorReport) -> ReportAcknowledgement:
        """Stores what is new in ``report``; a repeated delivery changes nothing. Says what each key has used today."""
        self._see(report)
        digest = _digest(report)
        if report.exchanges or report.faq_hits or report.usage:
            await self._store(report, digest)
        if self._last_counted.get(report.door) != (report.sequence, digest):
            self._last_counted[report.door] = (report.sequence, digest)
            self._latency.add(report.stages)
        return await self._usage.used_today()

    def latency(self, minutes: int = 60) -> tuple[StageLatencyPoint, ...]:
        """One point per minute, stage and route, oldest first."""
        return self._latency.points(minutes)

    def clear_latency(self) -> int:
        """Begins the latency history anew; returns how many points it had."""
        return self._latency.clear()

    def doors(self) -> tuple[DoorState, ...]:
        """Every door that reported in the last ten minutes, by name."""
        since = self._clock() - _DOOR_FORGOTTEN
        return tuple(self._doors[door] for door in sorted(self._doors) if self._doors[door].last_seen >= since)

    async def _store(self, report: DoorReport, digest: str) -> None:
        async with self._database.unit_of_work() as work:
            if not await work.exchanges.accept_report(report.door, report.sequence, digest):
                return
            sessions = await work.sessions.get_many({each.session_id for each in report.exchanges if each.session_id})
            fresh = await work.exchanges.add_new([_remembered(each, sessions) for each in report.exchanges])
            await _append_to_conversations(work, fresh, sessions)
            await work.faq.add_hits(report.faq_hits)
            await self._usage.record(work, report.usage)
            await self._forget_reports(work)

    async def _forget_reports(self, work: UnitOfWork) -> None:
        """Now and then: what is forgotten later than it could be costs nothing."""
        now = self._clock()
        if now >= self._forgets_at:
            await work.exchanges.remove_reports(now - _REPETITION_EXPECTED)
            self._forgets_at = now + _FORGETS_EVERY

    def _see(self, report: DoorReport) -> None:
        now = self._clock()
        self._doors[report.door] = DoorState(report.door, report.revision, report.live_streams, now)
        for door in [d for d, state in self._doors.items() if state.last_seen < now - _DOOR_FORGOTTEN]:
            del self._doors[door]
            self._last_counted.pop(door, None)


def _digest(report: DoorReport) -> str:
    """What tells it from another report with the same door and sequence. A door that names its run uses a sequence once
    in it."""
    return report.run or hashlib.sha256(report.model_dump_json().encode()).hexdigest()


def _remembered(exchange: Exchange, sessions: Container[str]) -> Exchange:
    """Without its words when its conversation was deleted while the report was on its way."""
    stored_here = exchange.session_id is not None and exchange.session_id.startswith("chat_")
    if not stored_here or exchange.session_id in sessions:
        return exchange
    return exchange.model_copy(update={"question": "", "answer": ""})


def _belongs_to(session: StoredSession, exchange: Exchange) -> bool:
    source = session.source
    return source.kind is not SourceKind.ADMIN and (exchange.source_kind, exchange.source_id) == (
        source.kind.value,
        source.instance_id,
    )


async def _append_to_conversations(
    work: UnitOfWork, exchanges: Sequence[Exchange], sessions: Mapping[str, StoredSession]
) -> None:
    """Adds each exchange to its conversation, provided that it took place at the conversation's own source: nobody
    writes into a stranger's history by naming its id. What is said in the panel the office keeps by itself
    (``Dialogue``), whichever branch it belongs to."""
    by_session: dict[str, list[Exchange]] = {}
    for exchange in exchanges:
        session = sessions.get(exchange.session_id or "")
        if session is not None and _belongs_to(session, exchange):
            by_session.setdefault(session.id, []).append(exchange)
    for session_id, said in by_session.items():
        await work.messages.append(session_id, said)
        if not sessions[session_id].title:
            await work.sessions.set_title_if_empty(session_id, title_from_question(said[0].question))
