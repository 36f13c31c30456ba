"""The report outbox delivers reports and drops what cannot be stored."""

from contextlib import suppress

import pytest

from deployments.contracts.exchange import Exchange
from deployments.contracts.reports import DoorReport
from deployments.conversation.report_outbox import ReportOutbox
from tests.unit.conversation.fakes import UnreliableOffice
from tests.unit.conversation.harness import NOON, StaticSnapshotSource


def exchange(turn_id: str) -> Exchange:
    return Exchange(
        turn_id=turn_id, session_id="s", source_kind="api", question="q", answer="a", route="local", created_at=NOON
    )


async def test_reports_are_kept_while_office_is_away() -> None:
    office = UnreliableOffice()
    outbox = ReportOutbox(office, "door", StaticSnapshotSource())
    office.away = True
    outbox.on_exchange(exchange("1"))
    with pytest.raises(ConnectionError):
        await outbox.flush()
    outbox.on_exchange(exchange("2"))
    office.away = False
    await outbox.flush()
    await outbox.flush()
    assert office.turns == ["1", "2"]
    assert len({report.sequence for report in office.reports}) == len(office.reports)


async def test_outbox_drops_oldest_beyond_capacity() -> None:
    office = UnreliableOffice()
    outbox = ReportOutbox(office, "door", StaticSnapshotSource(), capacity=2)
    for n in range(5):
        outbox.on_exchange(exchange(str(n)))
    await outbox.flush()
    assert [e.turn_id for e in office.reports[0].exchanges] == ["3", "4"]
    assert outbox.dropped == 3


async def test_rejected_exchanges_are_dropped_alone(caplog: pytest.LogCaptureFixture) -> None:
    office = UnreliableOffice()
    outbox = ReportOutbox(office, "door", StaticSnapshotSource())
    office.rejected_turns = {"2", "6"}
    for n in range(7):
        outbox.on_exchange(exchange(str(n)))
    outbox.on_stage("faq", 0.001, "api", "faq:7")
    await outbox.flush()
    outbox.on_exchange(exchange("7"))
    await outbox.flush()
    assert office.turns == ["0", "1", "3", "4", "5", "7"]
    assert [report.faq_hits for report in office.reports if report.faq_hits] == [{7: 1}]
    assert sum(len(report.stages) for report in office.reports) == 1
    assert len({report.sequence for report in office.reports}) == len(office.reports)
    assert outbox.dropped == 2
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2


async def test_rejected_counts_are_dropped_alone() -> None:
    office = UnreliableOffice()
    outbox = ReportOutbox(office, "door", StaticSnapshotSource())
    office.rejects_hits = True
    outbox.on_stage("faq", 0.001, "api", "faq:7")
    outbox.on_exchange(exchange("1"))
    await outbox.flush()
    outbox.on_exchange(exchange("2"))
    await outbox.flush()
    assert (office.turns, outbox.dropped) == (["1", "2"], 0)


async def test_outage_while_splitting_loses_nothing() -> None:
    class Fleeting(UnreliableOffice):
        """Goes away after every report that it has taken or refused."""

        async def report(self, report: DoorReport) -> None:
            try:
                await super().report(report)
            finally:
                self.away = not self.away

    office = Fleeting()
    outbox = ReportOutbox(office, "door", StaticSnapshotSource())
    office.rejected_turns = {"1"}
    for n in range(4):
        outbox.on_exchange(exchange(str(n)))
    outbox.on_stage("faq", 0.001, "api", "faq:7")
    for _ in range(20):
        with suppress(ConnectionError):
            await outbox.flush()
    assert (office.turns, outbox.dropped) == (["0", "2", "3"], 1)
    assert [report.faq_hits for report in office.reports if report.faq_hits] == [{7: 1}]


async def test_report_has_hits_and_latencies_by_route_kind() -> None:
    office = UnreliableOffice()
    outbox = ReportOutbox(office, "door", StaticSnapshotSource())
    for ms in (1, 2, 3):
        outbox.on_stage("faq", ms / 1000, "api", "faq:7")
        outbox.on_stage("total", ms / 1000, "api", "faq:7")
    outbox.on_stage("faq", 0.001, "api", "local")
    await outbox.flush()
    (report,) = office.reports
    assert report.faq_hits == {7: 3}
    tally = report.stages[1]
    assert (tally.stage, tally.route, tally.count, tally.p50_ms, tally.max_ms) == ("total", "faq", 3, 2.0, 3.0)
