"""The parts of a turn on their own: prompt, phrase cache, streams, snapshot feed, report outbox."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.contracts.audio import PCM16_8K, SpeechChunk
from deployments.contracts.chat import ChatMessage, GenerationOptions
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.reports import DoorReport
from deployments.contracts.settings import Exchange, LlmSettings, Snapshot
from deployments.contracts.streams import Closing, ReadAhead
from deployments.conversation.phrase_cache import PhraseCache, PhraseKey
from deployments.conversation.prompt import build_prompt, trim_history
from deployments.conversation.report_outbox import ReportOutbox
from deployments.conversation.snapshot_feed import SnapshotFeed
from deployments.conversation.token_estimates import estimate_message_tokens
from tests.unit.conversation.harness import NOON, SNAPSHOT, StaticSnapshotSource, collect, user_turn


def test_the_persona_speaks_the_language_of_the_question() -> None:
    assert build_prompt(user_turn("hi"), SNAPSHOT, "en").messages[0] == ChatMessage("system", "You are Anna.")
    assert build_prompt(user_turn("привет"), SNAPSHOT, "ru").messages[0] == ChatMessage("system", "Ты секретарь Анна.")


def test_a_system_message_of_the_caller_replaces_the_persona() -> None:
    turn = replace(user_turn("hi"), messages=(ChatMessage("system", "Be brief."), ChatMessage("user", "hi")))
    assert [m.content for m in build_prompt(turn, SNAPSHOT, "en").messages] == ["Be brief.", "hi"]


def test_options_that_were_given_win_over_the_settings() -> None:
    turn = replace(user_turn("hi"), options=GenerationOptions(temperature=0.0))
    options = build_prompt(turn, SNAPSHOT, "en").options
    assert (options.temperature, options.max_tokens) == (0.0, LlmSettings().max_tokens)


messages = st.lists(
    st.builds(ChatMessage, st.sampled_from(("user", "assistant")), st.text(max_size=30)), min_size=1, max_size=12
)


@given(messages, st.integers(-50, 400))
def test_the_history_is_a_tail_that_fits_and_holds_the_last_question(talk: list[ChatMessage], tokens: int) -> None:
    kept = trim_history(talk, tokens)
    assert kept == talk[len(talk) - len(kept) :]
    assert kept
    questions = [n for n, message in enumerate(talk) if message.role == "user"]
    last = len(talk) - (questions[-1] if questions else len(talk) - 1)
    assert len(kept) >= last
    if len(kept) > last:
        assert kept[0].role == "user"
        assert sum(estimate_message_tokens(m) for m in kept) <= tokens


def test_the_system_prompt_counts() -> None:
    talk = tuple(ChatMessage(role, "слово " * 20) for role in ("user", "assistant") * 6)
    turn = replace(user_turn("и?"), messages=(*talk, ChatMessage("user", "и?")))
    short = build_prompt(turn, SNAPSHOT, "ru", 500).messages
    long = build_prompt(replace(turn, system_prompt="правило " * 20), SNAPSHOT, "ru", 500).messages
    assert 2 < len(long) < len(short)
    assert short[-1] == long[-1] == ChatMessage("user", "и?")


def test_a_stored_question_without_an_answer_stands_with_the_next_one() -> None:
    said = (("user", "раз"), ("assistant", "один"), ("user", "два"), ("user", "три"))
    turn = replace(
        user_turn("три"), messages=tuple(ChatMessage(role, text) for role, text in said), session_id="chat_1"
    )
    assert [(m.role, m.content) for m in build_prompt(turn, SNAPSHOT, "ru").messages[1:]] == [
        ("user", "раз"),
        ("assistant", "один"),
        ("user", "два\n\nтри"),
    ]


def test_what_a_caller_sends_stays_as_it_was_sent() -> None:
    turn = replace(user_turn("три"), messages=(ChatMessage("user", "два"), ChatMessage("user", "три")))
    assert [m.content for m in build_prompt(turn, SNAPSHOT, "ru").messages[1:]] == ["два", "три"]


def test_a_prompt_of_the_turn_replaces_the_persona() -> None:
    turn = replace(user_turn("hi"), system_prompt="Be a pirate.")
    assert build_prompt(turn, SNAPSHOT, "en").messages[0] == ChatMessage("system", "Be a pirate.")


def chunk(size: int) -> SpeechChunk:
    return SpeechChunk(bytes(size), PCM16_8K)


def key(text: str) -> PhraseKey:
    return PhraseKey("v", "m", "en", 1.0, text)


@given(st.lists(st.tuples(st.text(max_size=2), st.integers(0, 40)), max_size=40), st.integers(0, 100))
def test_the_cache_never_holds_more_than_its_bound(puts: list[tuple[str, int]], bound: int) -> None:
    cache = PhraseCache(bound)
    for text, size in puts:
        cache.put(key(text), (chunk(size),))
        assert cache.size <= bound
    held = [cache.get(key(text)) for text in {text for text, _ in puts}]
    assert cache.size == sum(len(c.audio) for chunks in held if chunks for c in chunks)


def test_a_phrase_begun_before_the_memory_was_emptied_is_not_kept() -> None:
    cache, key = PhraseCache(1_000), PhraseKey("v", "m", "ru", 1.0, "a")
    chunks = (SpeechChunk(b"ab", PCM16_8K),)
    cache.put(key, chunks)
    before = cache.epoch
    cache.set_epoch(before)
    assert cache.get(key) == chunks
    cache.set_epoch(7)
    assert (cache.get(key), cache.size) == (None, 0)
    cache.put(key, chunks, before)
    assert cache.get(key) is None
    cache.put(key, chunks, cache.epoch)
    assert cache.get(key) == chunks


def test_the_least_used_phrase_goes_first() -> None:
    cache = PhraseCache(20)
    cache.put(key("a"), (chunk(10),))
    cache.put(key("b"), (chunk(10),))
    cache.get(key("a"))
    cache.put(key("c"), (chunk(10),))
    assert cache.get(key("b")) is None
    assert cache.get(key("a")) is not None


async def numbers(upto: int, closed: list[bool]) -> AsyncIterator[int]:
    try:
        for n in range(upto):
            yield n
    finally:
        closed.append(True)


async def test_running_ahead_keeps_order_and_is_bounded() -> None:
    read = 0

    async def source() -> AsyncIterator[int]:
        nonlocal read
        for n in range(100):
            read += 1
            yield n

    stream = ReadAhead(source(), 3)
    first = await anext(stream)
    await asyncio.sleep(0.01)
    assert first == 0
    assert read <= 6
    assert await collect(stream) == list(range(1, 100))


async def test_running_ahead_passes_errors_on_after_the_items_before_them() -> None:
    async def source() -> AsyncIterator[int]:
        yield 1
        raise ValueError("broke")

    stream = ReadAhead(source(), 2)
    assert await anext(stream) == 1
    with pytest.raises(ValueError, match="broke"):
        await anext(stream)


async def test_leaving_early_closes_the_source() -> None:
    closed: list[bool] = []
    async with Closing(ReadAhead(numbers(100, closed), 2)) as stream:
        await anext(stream)
    assert closed == [True]


class UnreliableOffice:
    """An OfficeLink that breaks on demand, and refuses what holds a turn named in ``unfit`` or, with ``unfit_hits``,
    hits."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Snapshot | Exception] = asyncio.Queue()
        self.asked: list[int] = []
        self.reports: list[DoorReport] = []
        self.away = self.unfit_hits = False
        self.unfit: set[str] = set()

    async def snapshots(self, after_revision: int, subscriber: str) -> AsyncIterator[Snapshot]:
        self.asked.append(after_revision)
        while True:
            item = await self.queue.get()
            if isinstance(item, Exception):
                raise item
            yield item

    async def report(self, report: DoorReport) -> None:
        if self.away:
            raise ConnectionError("the office is away")
        if self.unfit & {each.turn_id for each in report.exchanges} or (self.unfit_hits and report.faq_hits):
            raise InvalidRequest("a value is too long")
        self.reports.append(report)

    @property
    def turns(self) -> list[str]:
        return [each.turn_id for report in self.reports for each in report.exchanges]


async def until(true: object, seconds: float = 2.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # type: ignore[operator]
            await asyncio.sleep(0.005)


async def test_the_feed_survives_broken_streams_and_asks_only_for_what_is_newer() -> None:
    office, prepared = UnreliableOffice(), []
    feed = SnapshotFeed(office, "door", prepared.append)
    assert not feed.ready
    feed.start()
    await office.queue.put(Snapshot(revision=4))
    assert await feed.wait(2)
    await office.queue.put(ConnectionError())
    await until(lambda: len(office.asked) == 2)
    await office.queue.put(Snapshot(revision=6))
    await until(lambda: feed.current.revision == 6)
    await feed.stop()
    assert office.asked == [-1, 4]
    assert [s.revision for s in prepared] == [4, 6]


async def test_a_stream_that_brought_something_before_it_broke_is_reopened_at_once_however_often() -> None:
    office = UnreliableOffice()
    feed = SnapshotFeed(office, "door")
    feed.start()
    for revision in range(1, 8):
        await office.queue.put(Snapshot(revision=revision))
        await office.queue.put(ConnectionError())
        await until(lambda revision=revision: len(office.asked) > revision, seconds=1.2)
    await feed.stop()


def exchange(turn_id: str) -> Exchange:
    return Exchange(
        turn_id=turn_id, session_id="s", source_kind="api", question="q", answer="a", route="local", created_at=NOON
    )


async def test_reports_wait_for_the_office_and_arrive_once_in_order() -> None:
    office = UnreliableOffice()
    outbox = ReportOutbox(office, "door", StaticSnapshotSource())
    office.away = True
    outbox.exchange(exchange("1"))
    with pytest.raises(ConnectionError):
        await outbox.flush()
    outbox.exchange(exchange("2"))
    office.away = False
    await outbox.flush()
    await outbox.flush()
    assert office.turns == ["1", "2"]
    assert len({report.sequence for report in office.reports}) == len(office.reports)


async def test_the_outbox_is_bounded_and_counts_what_it_dropped() -> None:
    office = UnreliableOffice()
    outbox = ReportOutbox(office, "door", StaticSnapshotSource(), capacity=2)
    for n in range(5):
        outbox.exchange(exchange(str(n)))
    await outbox.flush()
    assert [e.turn_id for e in office.reports[0].exchanges] == ["3", "4"]
    assert outbox.dropped == 3


async def test_what_can_never_be_stored_holds_nothing_else_up(caplog: pytest.LogCaptureFixture) -> None:
    office = UnreliableOffice()
    outbox = ReportOutbox(office, "door", StaticSnapshotSource())
    office.unfit = {"2", "6"}
    for n in range(7):
        outbox.exchange(exchange(str(n)))
    outbox.stage("faq", 0.001, "api", "faq:7")
    await outbox.flush()
    outbox.exchange(exchange("7"))
    await outbox.flush()
    assert office.turns == ["0", "1", "3", "4", "5", "7"]
    assert [report.faq_hits for report in office.reports if report.faq_hits] == [{7: 1}]
    assert sum(len(report.stages) for report in office.reports) == 1
    assert len({report.sequence for report in office.reports}) == len(office.reports)
    assert outbox.dropped == 2
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2


async def test_numbers_that_can_never_be_stored_hold_no_exchange_up() -> None:
    office = UnreliableOffice()
    outbox = ReportOutbox(office, "door", StaticSnapshotSource())
    office.unfit_hits = True
    outbox.stage("faq", 0.001, "api", "faq:7")
    outbox.exchange(exchange("1"))
    await outbox.flush()
    outbox.exchange(exchange("2"))
    await outbox.flush()
    assert (office.turns, outbox.dropped) == (["1", "2"], 0)


async def test_an_office_that_goes_away_in_mid_division_loses_nothing() -> None:
    class Fleeting(UnreliableOffice):
        """Goes away after every report that it has taken or refused."""

        async def report(self, report: DoorReport) -> None:
            try:
                await super().report(report)
            finally:
                self.away = not self.away

    office = Fleeting()
    outbox = ReportOutbox(office, "door", StaticSnapshotSource())
    office.unfit = {"1"}
    for n in range(4):
        outbox.exchange(exchange(str(n)))
    outbox.stage("faq", 0.001, "api", "faq:7")
    for _ in range(20):
        with suppress(ConnectionError):
            await outbox.flush()
    assert (office.turns, outbox.dropped) == (["0", "2", "3"], 1)
    assert [report.faq_hits for report in office.reports if report.faq_hits] == [{7: 1}]


async def test_the_outbox_tells_hits_and_latencies_by_kind_of_route() -> None:
    office = UnreliableOffice()
    outbox = ReportOutbox(office, "door", StaticSnapshotSource())
    for ms in (1, 2, 3):
        outbox.stage("faq", ms / 1000, "api", "faq:7")
        outbox.stage("total", ms / 1000, "api", "faq:7")
    outbox.stage("faq", 0.001, "api", "local")
    await outbox.flush()
    (report,) = office.reports
    assert report.faq_hits == {7: 3}
    tally = report.stages[1]
    assert (tally.stage, tally.route, tally.count, tally.p50_ms, tally.max_ms) == ("total", "faq", 3, 2.0, 3.0)
