"""What was used is counted once, for whoever used it, and doors share the day of a key."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.contracts.audio import PCM16_16K
from deployments.contracts.chat import ChatMessage, ChatTurn, SourceKind, TurnSource
from deployments.contracts.errors import ConversationTooLong, EngineFailed, EngineTimeout, Overloaded, SecretaryError
from deployments.contracts.reports import DoorReport, KeyUsage, ReportAcknowledgement, UsageCount
from deployments.contracts.settings import Snapshot
from deployments.contracts.speech import RecognitionRequest, SpeechRequest
from deployments.contracts.streams import Closing
from deployments.conversation.metered_assistant import MeteredAssistant
from deployments.conversation.report_outbox import ReportOutbox
from deployments.conversation.usage_tracker import UsageAmount, UsageTracker
from tests.fakes.assistant import ScriptedAssistant, ScriptPause

NOON = 1_900_000_800.0 - 1_900_000_800.0 % 86_400 + 43_200
DAY = "2030-03-17"


class UsageClock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


class EmptySnapshotSource:
    current, ready = Snapshot(), True


class CountingOffice:
    """Adds up what doors report, and says so; ``away`` loses the report, ``mute`` the answer to it."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, str, int]] = set()
        self.tallies: list[UsageCount] = []
        self.away = self.mute = False

    async def snapshots(self, after_revision: int, subscriber: str) -> AsyncIterator[Snapshot]:
        yield Snapshot()

    async def report(self, report: DoorReport) -> ReportAcknowledgement | None:
        if self.away:
            raise ConnectionError("away")
        if (report.door, report.run, report.sequence) not in self.seen:
            self.seen.add((report.door, report.run, report.sequence))
            self.tallies.extend(report.usage)
        if self.mute:
            raise ConnectionError("the answer was lost")
        return ReportAcknowledgement(day=DAY, keys={1: KeyUsage(tokens=self.tokens)})

    @property
    def tokens(self) -> int:
        return sum(tally.prompt_tokens + tally.completion_tokens for tally in self.tallies)


def door(office: CountingOffice, name: str, clock: UsageClock) -> tuple[UsageTracker, ReportOutbox]:
    book = UsageTracker(clock)
    return book, ReportOutbox(office, name, EmptySnapshotSource(), usage=book)


def ask(text: str = "Hi", kind: SourceKind = SourceKind.API, speak: bool = False) -> ChatTurn:
    return ChatTurn("t", TurnSource(kind), (ChatMessage("user", text),), speak=speak)


async def drain(stream: AsyncIterator[object], most: int = 1_000) -> None:
    async with Closing(stream) as items:
        async for _ in items:
            most -= 1
            if not most:
                return


async def test_a_whole_answer_counts_what_the_model_says() -> None:
    book = UsageTracker(UsageClock())
    await drain(MeteredAssistant(ScriptedAssistant(), book, SourceKind.API, 7).reply(ask()))
    (tally,) = book.take_unreported()
    assert (tally.day, tally.key_id, tally.source, tally.route) == (DAY, 7, "api", "local")
    assert (tally.requests, tally.prompt_tokens, tally.completion_tokens) == (1, 11, 3)


async def test_an_answer_that_was_cut_off_is_not_free() -> None:
    book = UsageTracker(UsageClock())
    await drain(MeteredAssistant(ScriptedAssistant(), book, SourceKind.API, 7).reply(ask("x" * 400)), most=3)
    assert book.used_today(7).tokens >= 100 + 2


THINKING = [ScriptPause(30)]


async def hang_up_on(stream: AsyncIterator[object]) -> None:
    """Waits for the first item of ``stream`` and goes away before it comes."""
    reading = asyncio.create_task(drain(stream))
    await asyncio.sleep(0.01)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


@contextmanager
def failing_with(error: SecretaryError) -> Iterator[None]:
    with pytest.raises(type(error)):
        yield


async def test_an_answer_that_was_dropped_before_its_first_word_costs_what_was_asked() -> None:
    book = UsageTracker(UsageClock())
    metered = MeteredAssistant(ScriptedAssistant(script=THINKING), book, SourceKind.API, 7)
    await hang_up_on(metered.reply(ask("x" * 100_000)))
    (tally,) = book.take_unreported()
    assert (tally.requests, tally.prompt_tokens, tally.completion_tokens) == (1, 25_000, 0)


async def test_an_answer_that_nobody_began_to_read_costs_nothing() -> None:
    book = UsageTracker(UsageClock())
    metered = MeteredAssistant(ScriptedAssistant(), book, SourceKind.API, 7)
    async with Closing(metered.reply(ask("x" * 400))):
        pass
    assert book.take_unreported() == ()


@pytest.mark.parametrize(
    ("error", "tokens"),
    [
        (Overloaded("busy"), 0),
        (ConversationTooLong("too long"), 0),
        (EngineFailed("broke"), 100),
        (EngineTimeout("slow"), 100),
    ],
)
async def test_who_was_refused_pays_nothing_and_who_had_an_engine_at_work_pays(
    error: SecretaryError, tokens: int
) -> None:
    book = UsageTracker(UsageClock())
    metered = MeteredAssistant(ScriptedAssistant(script=[error]), book, SourceKind.API, 7)
    with failing_with(error):
        await drain(metered.reply(ask("x" * 400)))
    assert book.used_today(7).tokens == tokens


async def test_a_speech_that_was_dropped_before_its_first_sound_costs_its_first_sentence() -> None:
    book = UsageTracker(UsageClock())
    metered = MeteredAssistant(ScriptedAssistant(speech_script=THINKING), book, SourceKind.API, 7)
    await hang_up_on(metered.speak(SpeechRequest("x" * 149 + ". And more. And more.")))
    assert book.used_today(7).audio_seconds == pytest.approx(10.0, abs=0.1)
    await hang_up_on(metered.speak(SpeechRequest("x" * 149 + ". And more.", speed=2.0)))
    assert book.used_today(7).audio_seconds == pytest.approx(15.0, abs=0.1)


async def test_a_speech_that_was_dropped_midway_costs_what_was_heard() -> None:
    book = UsageTracker(UsageClock())
    metered = MeteredAssistant(ScriptedAssistant(), book, SourceKind.API, 7)
    await drain(metered.speak(SpeechRequest("x" * 1_000)), most=2)
    assert book.used_today(7).audio_seconds == pytest.approx(0.6, abs=0.01)


async def test_a_recording_that_was_dropped_before_its_first_word_costs_its_length() -> None:
    book = UsageTracker(UsageClock())
    metered = MeteredAssistant(ScriptedAssistant(transcript_script=THINKING), book, SourceKind.API, 7)
    await hang_up_on(metered.transcribe(RecognitionRequest(bytes(320_000), PCM16_16K)))
    assert book.used_today(7).audio_seconds == 10.0


@pytest.mark.parametrize(("error", "seconds"), [(Overloaded("busy"), 0), (EngineFailed("broke"), 10)])
async def test_sound_that_was_refused_costs_nothing(error: SecretaryError, seconds: float) -> None:
    book = UsageTracker(UsageClock())
    assistant = ScriptedAssistant(speech_script=[error], transcript_script=[error])
    metered = MeteredAssistant(assistant, book, SourceKind.API, 7)
    with failing_with(error):
        await drain(metered.transcribe(RecognitionRequest(bytes(320_000), PCM16_16K)))
    assert book.used_today(7).audio_seconds == seconds
    with failing_with(error):
        await drain(metered.speak(SpeechRequest("x" * 150)))
    assert book.used_today(7).audio_seconds == 2 * seconds


async def test_a_prepared_answer_costs_no_tokens() -> None:
    book = UsageTracker(UsageClock())
    await drain(MeteredAssistant(ScriptedAssistant(faq={"Hi": "Hello"}), book, SourceKind.API, 7).reply(ask()))
    (tally,) = book.take_unreported()
    assert (tally.route, tally.requests, tally.prompt_tokens + tally.completion_tokens) == ("faq", 1, 0)


async def test_sound_is_counted_made_and_heard() -> None:
    book = UsageTracker(UsageClock())
    metered = MeteredAssistant(ScriptedAssistant(), book, SourceKind.TELEGRAM)
    await drain(metered.reply(ask(kind=SourceKind.TELEGRAM, speak=True)))
    await drain(metered.speak(SpeechRequest("One. Two.")))
    await drain(metered.transcribe(RecognitionRequest(bytes(320_000), PCM16_16K)), most=1)
    seconds = {(tally.source, tally.route): tally.audio_seconds for tally in book.take_unreported()}
    assert seconds == pytest.approx(
        {("telegram", "local"): 0.3, ("telegram", "speech"): 0.9, ("telegram", "transcription"): 10.0}, abs=0.01
    )


async def test_doors_share_a_day_through_the_office() -> None:
    office, clock = CountingOffice(), UsageClock()
    (here, first), (there, second) = door(office, "a", clock), door(office, "b", clock)
    here.add(1, "api", "local", UsageAmount(1, 10, 0))
    there.add(1, "api", "local", UsageAmount(1, 5, 0))
    assert (here.used_today(1).tokens, there.used_today(1).tokens) == (10, 5)
    await first.flush()
    await second.flush()
    assert (here.used_today(1).tokens, there.used_today(1).tokens) == (10, 15)
    await first.flush()
    assert here.used_today(1).tokens == 15
    here.add(1, "api", "local", UsageAmount(1, 1, 0))
    assert here.used_today(1).tokens == 16


@given(st.lists(st.sampled_from(["here", "there", "report here", "report there", "away", "mute", "back"]), max_size=40))
async def test_nothing_is_lost_or_counted_twice_whatever_breaks(steps: list[str]) -> None:
    office, clock = CountingOffice(), UsageClock()
    doors = {"here": door(office, "a", clock), "there": door(office, "b", clock)}
    used = {"here": 0, "there": 0}
    for step in steps:
        kind, _, where = step.partition(" ")
        if kind in used:
            doors[kind][0].add(1, "api", "local", UsageAmount(1, 1, 0))
            used[kind] += 1
        elif kind == "report":
            try:
                await doors[where][1].flush()
            except ConnectionError:
                assert office.away or office.mute
        else:
            office.away, office.mute = kind == "away", kind == "mute"
        for name, (book, _) in doors.items():
            assert used[name] <= book.used_today(1).tokens <= sum(used.values())
    office.away = office.mute = False
    for _, outbox in (*doors.values(), *doors.values()):
        await outbox.flush()
        await outbox.flush()
    assert office.tokens == sum(used.values())
    assert {book.used_today(1).tokens for book, _ in doors.values()} == {sum(used.values())}


async def test_a_door_counts_by_itself_when_the_office_says_nothing() -> None:
    book = UsageTracker(UsageClock())
    for _ in range(3):
        book.add(1, "api", "local", UsageAmount(1, 10, 0))
        book.take_unreported()
        book.acknowledge(None)
    assert book.used_today(1).tokens == 30


def test_a_day_ends_at_midnight_utc_and_its_usage_keeps_its_date() -> None:
    clock = UsageClock()
    book = UsageTracker(clock)
    book.add(1, "api", "local", UsageAmount(1, 10, 0))
    assert book.seconds_to_midnight() == 43_200
    clock.now += 43_200
    book.acknowledge(ReportAcknowledgement(day=DAY, keys={1: KeyUsage(tokens=99)}))
    assert book.used_today(1).tokens == 0, "yesterday's news"
    book.add(1, "api", "local", UsageAmount(1, 1, 0))
    assert [(tally.day, tally.prompt_tokens) for tally in book.take_unreported()] == [(DAY, 10), ("2030-03-18", 1)]
    assert book.used_today(1).tokens == 1
