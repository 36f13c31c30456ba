"""Ingestion of door reports: exactly once, and per conversation."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from deployments.administration.chat.sessions import SessionFilter
from deployments.administration.office.composition import OfficeServices
from deployments.administration.office.report_ingest import DoorState, ReportIngest
from deployments.contracts.chat import ChatMessage, SourceKind, TurnSource
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.exchange import Exchange
from deployments.contracts.identity import Identity, Role
from deployments.contracts.reports import DoorReport, StageLatency
from deployments.contracts.snapshot import Snapshot
from deployments.conversation.report_outbox import ReportOutbox
from tests.unit.administration.conftest import exchange

pytestmark = pytest.mark.both_databases(postgres="long")

SHOP = TurnSource(SourceKind.TELEGRAM, "shop")
OPERATOR = Identity("olga", Role.OPERATOR)
NOON = datetime(2026, 5, 1, 12, 0, 30, tzinfo=UTC)


class UtcClock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class LocalLink:
    """An OfficeLink that calls ``ReportIngest`` directly."""

    def __init__(self, ingest: ReportIngest) -> None:
        self.report = ingest.accept

    async def snapshots(self, after_revision: int, subscriber: str) -> AsyncIterator[Snapshot]:
        yield Snapshot()


class PublishedSnapshots:
    def __init__(self, office: OfficeServices) -> None:
        self.current, self.ready = office.publisher.current, True


def report(sequence: int, *exchanges: Exchange, door: str = "gateway#1", **values: object) -> DoorReport:
    given = {"door": door, "sequence": sequence, "revision": 1, "exchanges": exchanges}
    return DoorReport.model_validate(given | values)


def tally(count: int, p50_ms: float, p95_ms: float, stage: str = "total", route: str = "local") -> StageLatency:
    return StageLatency(
        stage=stage, source="api", route=route, count=count, p50_ms=p50_ms, p95_ms=p95_ms, max_ms=p95_ms
    )


async def stored(office: OfficeServices) -> list[str]:
    async with office.database.unit_of_work() as work:
        return [each.turn_id for each in reversed(await work.exchanges.newest(1000))]


async def hits(office: OfficeServices, entry_id: int) -> int:
    return (await office.faq.get(entry_id)).hits


async def test_repeated_report_changes_nothing(office: OfficeServices) -> None:
    one = report(1, exchange(turn_id="a"), faq_hits={1: 2}, stages=(tally(3, 10, 20),))
    for _ in range(3):
        await office.report_ingest.accept(one)
    assert await stored(office) == ["a"]
    assert await hits(office, 1) == 2
    assert [point.count for point in office.report_ingest.latency()] == [3]


@pytest.mark.parametrize("run", ["", "first"])
async def test_repeated_report_after_restart_is_ignored(office: OfficeServices, run: str) -> None:
    one = report(1, exchange(turn_id="a"), faq_hits={1: 2}, run=run)
    await office.report_ingest.accept(one)
    await ReportIngest(office.database).accept(one)
    assert await stored(office) == ["a"]
    assert await hits(office, 1) == 2


@pytest.mark.both_databases
async def test_concurrent_repeated_report_counts_once(office: OfficeServices) -> None:
    one = report(1, exchange(turn_id="a"), faq_hits={1: 1})
    await asyncio.gather(*(office.report_ingest.accept(one) for _ in range(8)))
    assert await stored(office) == ["a"]
    assert await hits(office, 1) == 1


async def test_turn_in_two_reports_is_stored_once(office: OfficeServices) -> None:
    twice = exchange(turn_id="a")
    await office.report_ingest.accept(report(1, twice))
    await office.report_ingest.accept(report(2, twice, exchange(turn_id="b")))
    assert await stored(office) == ["a", "b"]


@pytest.mark.parametrize("runs", [("", ""), ("first", "second")])
async def test_report_of_restarted_door_is_accepted(office: OfficeServices, runs: tuple[str, str]) -> None:
    for turn_id, run in zip("ab", runs, strict=True):
        one = report(1, exchange(turn_id=turn_id), faq_hits={1: 1}, stages=(tally(3, 10, 20),), run=run)
        await office.report_ingest.accept(one)
    assert await stored(office) == ["a", "b"]
    assert await hits(office, 1) == 2
    assert [point.count for point in office.report_ingest.latency()] == [6]


async def test_exchange_is_added_to_conversation_once(office: OfficeServices) -> None:
    session_id = (await office.conversations.open(SHOP, "42", "Иван")).session_id
    one = report(1, exchange(session_id=session_id))
    await office.report_ingest.accept(one)
    await office.report_ingest.accept(one)
    assert (await office.conversations.open(SHOP, "42")).messages == (
        ChatMessage("user", "Вы открыты?"),
        ChatMessage("assistant", "Да, до шести."),
    )


@pytest.mark.parametrize("elsewhere", [{"source_kind": "api"}, {"source_id": "other"}])
async def test_exchange_of_another_source_is_not_added(office: OfficeServices, elsewhere: dict[str, str]) -> None:
    session_id = (await office.conversations.open(SHOP, "42")).session_id
    await office.report_ingest.accept(report(1, exchange(session_id=session_id, **elsewhere)))
    assert (await office.conversations.open(SHOP, "42")).messages == ()
    assert len(await stored(office)) == 1


async def test_exchange_of_unknown_conversation_is_stored(office: OfficeServices) -> None:
    await office.report_ingest.accept(report(1, exchange(turn_id="a", session_id="chat_of_nobody")))
    assert await stored(office) == ["a"]


@pytest.mark.parametrize("question", ["a\0b", "\ud800", "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM} " * 15])
async def test_any_text_is_stored_and_titled(office: OfficeServices, question: str) -> None:
    session_id = (await office.conversations.open(SHOP, "42")).session_id
    await office.report_ingest.accept(report(1, exchange(session_id=session_id, question=question, answer=question)))
    question_message, answer_message = (await office.conversations.open(SHOP, "42")).messages
    assert (
        question_message.content
        == answer_message.content
        == question.replace("\0", "\ufffd").replace("\ud800", "\ufffd")
    )
    (found,), _ = await office.chat_sessions.page(OPERATOR, SessionFilter(), 10, 0)
    assert found.title


def test_split_surrogate_pair_is_joined() -> None:
    assert exchange(answer="".join(("\ud83d", "\ude00"))).answer == "\N{GRINNING FACE}"


async def test_unstorable_exchange_delays_no_other(office: OfficeServices) -> None:
    outbox = ReportOutbox(LocalLink(office.report_ingest), "gateway#1", PublishedSnapshots(office))
    unfit = {"prompt_tokens": 2**64}
    for turn_id, values in (("a", {}), ("b", unfit), ("c", {})):
        outbox.on_exchange(exchange(turn_id=turn_id, session_id="api-1-session-0", **values))
    outbox.on_stage("faq", 0.01, "api", "faq:1")
    await outbox.flush()
    assert await stored(office) == ["a", "c"]
    assert (await hits(office, 1), outbox.dropped) == (1, 1)


async def test_report_does_not_change_revision(office: OfficeServices) -> None:
    before = office.publisher.current
    await office.report_ingest.accept(report(1, exchange(), faq_hits={1: 1}))
    assert office.publisher.current is before


async def test_latency_is_aggregated_per_minute(office: OfficeServices) -> None:
    clock = UtcClock()
    ingest = ReportIngest(office.database, clock)
    await ingest.accept(report(1, stages=(tally(1, 100, 200), tally(2, 5, 6, "faq", "faq:1"))))
    await ingest.accept(report(1, door="gateway#2", stages=(tally(3, 200, 900), tally(2, 7, 8, "faq", "faq:2"))))
    clock.now += timedelta(minutes=1)
    await ingest.accept(report(2, stages=(tally(1, 50, 60),)))
    points = [(p.at.minute, p.stage, p.route, p.p50_ms, p.p95_ms, p.count) for p in ingest.latency()]
    assert points == [
        (0, "faq", "faq", 6.0, 8.0, 4),
        (0, "total", "local", 175.0, 900.0, 4),
        (1, "total", "local", 50.0, 60.0, 1),
    ]
    clock.now += timedelta(minutes=60)
    assert [point.at.minute for point in ingest.latency(60)] == [1]
    clock.now += timedelta(days=2)
    await ingest.accept(report(3, stages=(tally(1, 1, 1),)))
    assert len(ingest.latency(minutes=10_000)) == 1


async def test_door_of_failed_report_is_listed(office: OfficeServices) -> None:
    with pytest.raises(InvalidRequest):
        await office.report_ingest.accept(report(1, exchange(prompt_tokens=2**64), live_streams=2))
    assert [(door.door, door.live_streams) for door in office.report_ingest.doors()] == [("gateway#1", 2)]


async def test_silent_door_is_forgotten(office: OfficeServices) -> None:
    clock = UtcClock()
    ingest = ReportIngest(office.database, clock)
    await ingest.accept(report(1, door="phone", live_streams=2))
    clock.now += timedelta(minutes=9)
    await ingest.accept(report(1, door="gateway#1", revision=4))
    assert ingest.doors() == (DoorState("gateway#1", 4, 0, clock.now), DoorState("phone", 1, 2, NOON))
    clock.now += timedelta(minutes=5)
    assert [door.door for door in ingest.doors()] == ["gateway#1"]


async def test_phone_lines_of_the_last_hour(office: OfficeServices) -> None:
    clock = UtcClock()
    ingest = ReportIngest(office.database, clock)
    first = tally(2, 200, 300, "first_audio", "speak").model_copy(update={"source": "phone"})
    spoken = report(1, door="phone#1", stages=(first,), open_lines=2, underruns=1)
    await ingest.accept(spoken)
    await ingest.accept(spoken)  # delivered twice
    await ingest.accept(report(1, stages=(tally(5, 100, 200, "first_audio"),)))
    found = ingest.phone_lines()
    assert (found.doors, found.open_lines, found.texts, found.p50_ms, found.underruns) == (1, 2, 2, 200, 1)
    clock.now += timedelta(minutes=62)
    assert (ingest.phone_lines().doors, ingest.phone_lines().texts, ingest.phone_lines().underruns) == (0, 0, 0)
