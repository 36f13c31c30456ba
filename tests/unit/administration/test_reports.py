import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from deployments.administration.chat.sessions import SessionFilter
from deployments.administration.office.composition import OfficeServices
from deployments.administration.office.report_ingest import DoorState, ReportIngest
from deployments.contracts.chat import ChatMessage, SourceKind, TurnSource
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.identity import Identity, Role
from deployments.contracts.reports import DoorReport, StageLatency
from deployments.contracts.settings import Exchange, Snapshot
from deployments.conversation.report_outbox import ReportOutbox
from tests.unit.administration.conftest import exchange

pytestmark = pytest.mark.both_databases

SHOP = TurnSource(SourceKind.TELEGRAM, "shop")
OPERATOR = Identity("olga", Role.OPERATOR)
NOON = datetime(2026, 5, 1, 12, 0, 30, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class LocalLink:
    """An OfficeLink to the desk itself."""

    def __init__(self, desk: ReportIngest) -> None:
        self.report = desk.accept

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


async def test_a_repeated_report_changes_nothing(office: OfficeServices) -> None:
    one = report(1, exchange(turn_id="a"), faq_hits={1: 2}, stages=(tally(3, 10, 20),))
    for _ in range(3):
        await office.report_ingest.accept(one)
    assert await stored(office) == ["a"]
    assert await hits(office, 1) == 2
    assert [point.count for point in office.report_ingest.latency()] == [3]


@pytest.mark.parametrize("run", ["", "first"])
async def test_a_repetition_is_known_after_a_restart_of_the_office(office: OfficeServices, run: str) -> None:
    one = report(1, exchange(turn_id="a"), faq_hits={1: 2}, run=run)
    await office.report_ingest.accept(one)
    await ReportIngest(office.database).accept(one)
    assert await stored(office) == ["a"]
    assert await hits(office, 1) == 2


async def test_the_same_report_side_by_side_counts_once(office: OfficeServices) -> None:
    one = report(1, exchange(turn_id="a"), faq_hits={1: 1})
    await asyncio.gather(*(office.report_ingest.accept(one) for _ in range(8)))
    assert await stored(office) == ["a"]
    assert await hits(office, 1) == 1


async def test_a_turn_that_comes_again_in_another_report_is_stored_once(office: OfficeServices) -> None:
    twice = exchange(turn_id="a")
    await office.report_ingest.accept(report(1, twice))
    await office.report_ingest.accept(report(2, twice, exchange(turn_id="b")))
    assert await stored(office) == ["a", "b"]


@pytest.mark.parametrize("runs", [("", ""), ("first", "second")])
async def test_a_restarted_door_that_counts_from_the_start_again_is_heard(
    office: OfficeServices, runs: tuple[str, str]
) -> None:
    for turn_id, run in zip("ab", runs, strict=True):
        one = report(1, exchange(turn_id=turn_id), faq_hits={1: 1}, stages=(tally(3, 10, 20),), run=run)
        await office.report_ingest.accept(one)
    assert await stored(office) == ["a", "b"]
    assert await hits(office, 1) == 2
    assert [point.count for point in office.report_ingest.latency()] == [6]


async def test_an_exchange_of_a_stored_conversation_is_remembered_once(office: OfficeServices) -> None:
    session_id = (await office.conversations.open(SHOP, "42", "Иван")).session_id
    one = report(1, exchange(session_id=session_id))
    await office.report_ingest.accept(one)
    await office.report_ingest.accept(one)
    assert (await office.conversations.open(SHOP, "42")).messages == (
        ChatMessage("user", "Вы открыты?"),
        ChatMessage("assistant", "Да, до шести."),
    )


@pytest.mark.parametrize("elsewhere", [{"source_kind": "api"}, {"source_id": "other"}])
async def test_nobody_writes_into_a_strangers_conversation(office: OfficeServices, elsewhere: dict[str, str]) -> None:
    session_id = (await office.conversations.open(SHOP, "42")).session_id
    await office.report_ingest.accept(report(1, exchange(session_id=session_id, **elsewhere)))
    assert (await office.conversations.open(SHOP, "42")).messages == ()
    assert len(await stored(office)) == 1


async def test_an_unknown_conversation_does_not_lose_the_exchange(office: OfficeServices) -> None:
    await office.report_ingest.accept(report(1, exchange(turn_id="a", session_id="chat_of_nobody")))
    assert await stored(office) == ["a"]


@pytest.mark.parametrize("question", ["a\0b", "\ud800", "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM} " * 15])
async def test_whatever_was_said_can_be_stored_and_searched(office: OfficeServices, question: str) -> None:
    session_id = (await office.conversations.open(SHOP, "42")).session_id
    await office.report_ingest.accept(report(1, exchange(session_id=session_id, question=question, answer=question)))
    asked, answered = (await office.conversations.open(SHOP, "42")).messages
    assert asked.content == answered.content == question.replace("\0", "\ufffd").replace("\ud800", "\ufffd")
    (found,), _ = await office.chat_sessions.page(OPERATOR, SessionFilter(), 10, 0)
    assert found.title


def test_a_surrogate_pair_that_came_in_halves_is_one_sign_again() -> None:
    assert exchange(answer="".join(("\ud83d", "\ude00"))).answer == "\N{GRINNING FACE}"


async def test_a_report_that_the_database_cannot_hold_delays_no_other(office: OfficeServices) -> None:
    outbox = ReportOutbox(LocalLink(office.report_ingest), "gateway#1", PublishedSnapshots(office))
    unfit = {"prompt_tokens": 2**64}
    for turn_id, values in (("a", {}), ("b", unfit), ("c", {})):
        outbox.exchange(exchange(turn_id=turn_id, session_id="api-1-session-0", **values))
    outbox.stage("faq", 0.01, "api", "faq:1")
    await outbox.flush()
    assert await stored(office) == ["a", "c"]
    assert (await hits(office, 1), outbox.dropped) == (1, 1)


async def test_a_report_raises_no_revision(office: OfficeServices) -> None:
    before = office.publisher.current
    await office.report_ingest.accept(report(1, exchange(), faq_hits={1: 1}))
    assert office.publisher.current is before


async def test_latency_is_folded_into_minutes_and_all_prepared_answers_are_one_route(office: OfficeServices) -> None:
    clock = Clock()
    desk = ReportIngest(office.database, clock)
    await desk.accept(report(1, stages=(tally(1, 100, 200), tally(2, 5, 6, "faq", "faq:1"))))
    await desk.accept(report(1, door="gateway#2", stages=(tally(3, 200, 900), tally(2, 7, 8, "faq", "faq:2"))))
    clock.now += timedelta(minutes=1)
    await desk.accept(report(2, stages=(tally(1, 50, 60),)))
    points = [(p.at.minute, p.stage, p.route, p.p50_ms, p.p95_ms, p.count) for p in desk.latency()]
    assert points == [
        (0, "faq", "faq", 6.0, 8.0, 4),
        (0, "total", "local", 175.0, 900.0, 4),
        (1, "total", "local", 50.0, 60.0, 1),
    ]
    clock.now += timedelta(minutes=60)
    assert [point.at.minute for point in desk.latency(60)] == [1]
    clock.now += timedelta(days=2)
    await desk.accept(report(3, stages=(tally(1, 1, 1),)))
    assert len(desk.latency(minutes=10_000)) == 1


async def test_a_door_whose_report_cannot_be_stored_is_seen_all_the_same(office: OfficeServices) -> None:
    with pytest.raises(InvalidRequest):
        await office.report_ingest.accept(report(1, exchange(prompt_tokens=2**64), live_streams=2))
    assert [(door.door, door.live_streams) for door in office.report_ingest.doors()] == [("gateway#1", 2)]


async def test_doors_are_seen_and_forgotten_when_silent(office: OfficeServices) -> None:
    clock = Clock()
    desk = ReportIngest(office.database, clock)
    await desk.accept(report(1, door="phone", live_streams=2))
    clock.now += timedelta(minutes=9)
    await desk.accept(report(1, door="gateway#1", revision=4))
    assert desk.doors() == (DoorState("gateway#1", 4, 0, clock.now), DoorState("phone", 1, 2, NOON))
    clock.now += timedelta(minutes=5)
    assert [door.door for door in desk.doors()] == ["gateway#1"]
