"""Reports of the doors: exchanges and hits are stored exactly once, latencies and door states are kept in memory."""

import hashlib
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from deployments.administration.chat.titles import title_from_question
from deployments.administration.monitoring.latency import LatencyHistory, StageLatencyPoint
from deployments.administration.monitoring.phone_lines import PhoneLineHistory, PhoneLinesReport
from deployments.administration.usage.service import UsageAccounting
from deployments.contracts.chat import SourceKind
from deployments.contracts.exchange import Exchange
from deployments.contracts.proxies import ProxyPoolStatus
from deployments.contracts.reports import DoorReport, ReportAcknowledgement
from deployments.contracts.sessions import StoredSession
from storage.database import Database
from storage.unit_of_work import UnitOfWork

__all__ = ["DoorState", "ReportIngest", "StageLatencyPoint"]

_REPORT_RETENTION = timedelta(days=1)
_CLEANUP_INTERVAL = timedelta(minutes=10)
_DOOR_EXPIRY, _DOOR_SILENT = timedelta(minutes=10), timedelta(minutes=1)
_PHONE_DOOR = "phone"
"""The deployment that serves phone lines, see ``deployments.names``."""


@dataclass(frozen=True, slots=True)
class DoorState:
    """The last report of a door. ``last_seen`` is UTC."""

    door: str
    revision: int
    live_streams: int
    last_seen: datetime
    proxies: tuple[ProxyPoolStatus, ...] = ()
    open_lines: int = 0


class ReportIngest:
    """Stores reports. A report that fails is delivered again by its door. InvalidRequest means that it contains values
    that the database can never store."""

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
        self._phone = PhoneLineHistory(clock)
        self._doors: dict[str, DoorState] = {}
        self._last_counted: dict[str, tuple[int, str]] = {}
        self._next_cleanup = clock()

    async def accept(self, report: DoorReport) -> ReportAcknowledgement:
        """Stores ``report``; a repeated delivery changes nothing. Returns the usage of each API key today."""
        self._record_door(report)
        digest = _digest(report)
        if report.exchanges or report.faq_hits or report.usage:
            await self._store(report, digest)
        if self._last_counted.get(report.door) != (report.sequence, digest):
            self._last_counted[report.door] = (report.sequence, digest)
            self._latency.add(report.stages)
            self._phone.add(report)
        return await self._usage.used_today()

    def latency(self, minutes: int = 60) -> tuple[StageLatencyPoint, ...]:
        """One point per minute, stage and route, oldest first."""
        return self._latency.points(minutes)

    def phone_lines(self, minutes: int = 60) -> PhoneLinesReport:
        """The phone lines now, of doors that reported in the last minute, and in the last ``minutes``."""
        since = self._clock() - _DOOR_SILENT
        serving = [d for d in self.doors() if d.door.partition("#")[0] == _PHONE_DOOR and d.last_seen >= since]
        return self._phone.report([(door.open_lines, door.live_streams) for door in serving], minutes)

    def clear_latency(self) -> int:
        """Clears the latency history and returns how many points it had."""
        return self._latency.clear()

    def doors(self) -> tuple[DoorState, ...]:
        """Every door that reported in the last ten minutes, by name."""
        since = self._clock() - _DOOR_EXPIRY
        return tuple(self._doors[door] for door in sorted(self._doors) if self._doors[door].last_seen >= since)

    async def _store(self, report: DoorReport, digest: str) -> None:
        async with self._database.unit_of_work() as work:
            if not await work.exchanges.accept_report(report.door, report.sequence, digest):
                return
            sessions = await work.sessions.get_many({each.session_id for each in report.exchanges if each.session_id})
            fresh = await work.exchanges.add_new([_without_deleted(each, sessions) for each in report.exchanges])
            await _append_to_conversations(work, fresh, sessions)
            await work.faq.add_hits(report.faq_hits)
            await self._usage.record(work, report.usage)
            await self._clean_up_reports(work)

    async def _clean_up_reports(self, work: UnitOfWork) -> None:
        """Deletes the digests of old reports, at most every ten minutes."""
        now = self._clock()
        if now >= self._next_cleanup:
            await work.exchanges.remove_reports(now - _REPORT_RETENTION)
            self._next_cleanup = now + _CLEANUP_INTERVAL

    def _record_door(self, report: DoorReport) -> None:
        now = self._clock()
        self._doors[report.door] = DoorState(
            report.door, report.revision, report.live_streams, now, report.proxies, report.open_lines
        )
        for door in [d for d, state in self._doors.items() if state.last_seen < now - _DOOR_EXPIRY]:
            del self._doors[door]
            self._last_counted.pop(door, None)


def _digest(report: DoorReport) -> str:
    """Distinguishes reports with the same door and sequence: the run of the door, in which a sequence occurs once, or a
    hash of the content."""
    return report.run or hashlib.sha256(report.model_dump_json().encode()).hexdigest()


def _without_deleted(exchange: Exchange, sessions: Container[str]) -> Exchange:
    """``exchange``, without its texts when its conversation was deleted before the report arrived."""
    has_session = exchange.session_id is not None and exchange.session_id.startswith("chat_")
    if not has_session or exchange.session_id in sessions:
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
    """Adds each exchange to its conversation. An exchange from another source is ignored, so that a session id does not
    give write access to somebody else's history. Panel conversations are stored by ``Dialogue``."""
    by_session: dict[str, list[Exchange]] = {}
    for exchange in exchanges:
        session = sessions.get(exchange.session_id or "")
        if session is not None and _belongs_to(session, exchange):
            by_session.setdefault(session.id, []).append(exchange)
    for session_id, own in by_session.items():
        await work.messages.append(session_id, own)
        if not sessions[session_id].title:
            await work.sessions.set_title_if_empty(session_id, title_from_question(own[0].question))
