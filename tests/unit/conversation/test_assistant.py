"""One turn: FAQ before the model on every route, speech while text comes, failures and cancels that leave nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from deployments.contracts.chat import (
    LOCAL_ROUTE,
    ChatMessage,
    ChatTurn,
    GenerationOptions,
    Route,
    RouteKind,
    SourceKind,
    TurnSource,
)
from deployments.contracts.errors import (
    InvalidRequest,
    ModelNotFound,
    Unavailable,
    VoiceNotFound,
)
from deployments.contracts.events import (
    AnswerMatch,
    AnswerMatched,
    SpeechReady,
    TextDelta,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from deployments.contracts.reports import DoorReport
from deployments.contracts.settings import Preset, PresetParams, Snapshot
from deployments.contracts.speech import RecognitionRequest
from deployments.contracts.streams import Closing
from deployments.conversation.assistant import ConversationAssistant
from deployments.conversation.report_outbox import ReportOutbox
from deployments.engines.adapters import DecodingRecognizer
from deployments.engines.chat.echo import EchoEngine, EchoOptions
from deployments.engines.recognition.transcript import TranscriptOptions, TranscriptRecognizer
from deployments.engines.speech.tone import ToneEngine, ToneOptions
from tests.unit.conversation.harness import (
    HOURS,
    SNAPSHOT,
    AssistantHarness,
    RecordingTurnObserver,
    StaticSnapshotSource,
    collect,
    joined_text,
    user_turn,
)


class FixedAnswerBook:
    """A ranked book that always has the same answer."""

    match = AnswerMatch(9, "Похоже.", "ru", "ranked", 90.0, "похожее")

    async def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        return self.match


class FailingAnswerBook:
    async def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        raise Unavailable("the answer book is away")


async def test_a_prepared_answer_comes_without_the_model_and_says_which_entry() -> None:
    stage = await AssistantHarness().start()
    events = await stage.events(user_turn("часы РАБОТЫ?"))
    started, matched, delta, finished = events
    assert started == TurnStarted("t1", 3)
    assert isinstance(matched, AnswerMatched)
    assert matched.match.entry_id == HOURS.id
    assert delta == TextDelta(HOURS.answer)
    assert isinstance(finished, TurnFinished)
    assert finished.route == "faq:7"
    assert stage.observer.opened["llm"] == 0


@pytest.mark.parametrize("route", [None, LOCAL_ROUTE])
async def test_every_route_passes_the_prepared_answers_first(route: Route | None) -> None:
    stage = await AssistantHarness().start()
    events = await stage.events(user_turn("Часы работы", route=route))
    assert joined_text(events) == HOURS.answer


async def test_a_similar_question_is_answered_by_the_ranked_book() -> None:
    stage = await AssistantHarness(ranked=FixedAnswerBook()).start()
    events = await stage.events(user_turn("что-то похожее"))
    assert joined_text(events) == "Похоже."
    assert events[-1].route == "faq:9"


class SlowAnswerBook(FixedAnswerBook):
    """A ranked book that takes its time and finds something, or nothing."""

    def __init__(self, match: AnswerMatch | None) -> None:
        self.match = match
        self.model_began: list[bool] = []
        self.observer: RecordingTurnObserver | None = None

    async def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        await asyncio.sleep(0.05)
        assert self.observer is not None
        self.model_began.append(self.observer.opened["llm"] == 1)
        return self.match


async def test_the_local_model_starts_while_similar_questions_are_looked_up() -> None:
    ranked = SlowAnswerBook(None)
    stage = await AssistantHarness(ranked=ranked).start()
    ranked.observer = stage.observer
    events = await stage.events(user_turn("one two"))
    assert joined_text(events).strip() == "one two"
    assert ranked.model_began == [True]


async def test_a_similar_question_found_late_drops_what_the_model_began() -> None:
    ranked = SlowAnswerBook(FixedAnswerBook.match)
    stage = await AssistantHarness(ranked=ranked).start()
    ranked.observer = stage.observer
    events = await stage.events(user_turn("one two"))
    assert joined_text(events) == "Похоже."
    assert stage.observer.opened["llm"] == 1
    assert stage.observer.live["llm"] == 0
    assert events[-1].usage.completion_tokens == 0


async def test_a_graph_without_a_model_still_gives_prepared_answers() -> None:
    stage = await AssistantHarness().start()
    bare = ConversationAssistant(replace(stage.pipeline, chat={}), stage.snapshots, stage.observer)
    assert joined_text([event async for event in bare.reply(user_turn("Часы работы"))]) == HOURS.answer
    with pytest.raises(Unavailable, match="no language model"):
        await anext(bare.reply(user_turn("hello there")))
    with pytest.raises(ModelNotFound):
        bare.reply(user_turn("Часы работы", route=LOCAL_ROUTE))


async def test_whoever_asks_for_json_gets_no_prepared_answer() -> None:
    stage = await AssistantHarness(ranked=FixedAnswerBook()).start()
    wanted = GenerationOptions(json_schema="{}")
    for question in ("Часы работы", "что-то похожее"):
        assert (await stage.events(user_turn(question)))[-1].route.startswith("faq:")
        assert (await stage.events(user_turn(question, options=wanted)))[-1].route == "local"


async def test_a_broken_ranked_book_does_not_cost_the_answer() -> None:
    stage = await AssistantHarness(ranked=FailingAnswerBook()).start()
    events = await stage.events(user_turn("hello there"))
    assert joined_text(events).strip() == "hello there"
    assert events[-1].route == "local"


async def test_the_model_answers_with_usage_and_marks_its_stages() -> None:
    stage = await AssistantHarness().start()
    events = await stage.events(user_turn("one two three"))
    finished = events[-1]
    assert isinstance(finished, TurnFinished)
    assert finished.usage.completion_tokens > 0
    assert finished.timings.first_token_ms is not None
    assert [name for name, _ in stage.observer.stages] == ["faq", "first_token", "total"]


async def test_speech_starts_while_the_text_is_still_being_generated() -> None:
    chat = EchoEngine(EchoOptions(delay_s=0.02))
    stage = await AssistantHarness(chat=chat).start()
    words = "First of all, I am glad to hear from you today. " + "Then comes quite a lot of other text. " * 3
    events = await stage.events(user_turn(words, speak=True))
    kinds = [type(event).__name__ for event in events]
    last_text = max(i for i, kind in enumerate(kinds) if kind == "TextDelta")
    assert kinds.index("SpeechReady") < last_text
    assert kinds[-1] == "TurnFinished"
    sequences = [event.chunk.sequence for event in events if isinstance(event, SpeechReady)]
    assert sequences == list(range(len(sequences)))


@pytest.mark.parametrize(
    ("question", "voice"), [("Привет, как дела сегодня?", "tone-ru"), ("Good day to you", "tone-en")]
)
async def test_the_voice_follows_the_language_of_the_answer(question: str, voice: str) -> None:
    stage = await AssistantHarness().start()
    events = await stage.events(user_turn(question, speak=True))
    assert {event.voice_id for event in events if isinstance(event, SpeechReady)} == {voice}


@pytest.mark.parametrize(
    ("question", "locale", "voice"),
    [
        ("Καλημέρα, τι κάνετε σήμερα;", None, "tone-el"),
        ("Добрий день, як ваші справи сьогодні?", None, "tone-uk"),
        ("Guten Tag, wie geht es Ihnen heute?", "de", "tone-de"),
        ("Привет, как дела сегодня?", "de", "tone-ru"),
        ("你好，你今天怎么样？我很好，谢谢你。", None, "tone-ru"),
    ],
)
async def test_every_language_has_its_own_voice_where_there_is_one(
    question: str, locale: str | None, voice: str
) -> None:
    stage = await AssistantHarness(speech=ToneEngine(ToneOptions(languages=("ru", "en", "de", "el", "uk")))).start()
    events = await stage.events(user_turn(question, speak=True, locale=locale))
    assert {event.voice_id for event in events if isinstance(event, SpeechReady)} == {voice}


async def test_a_named_voice_is_used_and_an_unknown_one_is_refused_at_once() -> None:
    stage = await AssistantHarness().start()
    events = await stage.events(user_turn("Good day to you", speak=True, voice_id="tone-ru"))
    assert {event.voice_id for event in events if isinstance(event, SpeechReady)} == {"tone-ru"}
    with pytest.raises(VoiceNotFound, match="tone-"):
        stage.assistant.reply(user_turn("Good day", speak=True, voice_id="nobody"))


async def test_a_turn_is_spoken_with_its_preset_and_with_the_voices_own_when_that_is_gone() -> None:
    presets = (Preset(name="double", params=PresetParams(speed=2)),)
    stage = await AssistantHarness(
        snapshots=StaticSnapshotSource(SNAPSHOT.model_copy(update={"presets": presets}))
    ).start()

    async def seconds(preset: str | None) -> float:
        events = await stage.events(user_turn("Good day to you", speak=True, preset=preset))
        return sum(event.chunk.seconds for event in events if isinstance(event, SpeechReady))

    plain = await seconds(None)
    assert await seconds("double") == pytest.approx(plain / 2, rel=0.05)
    assert await seconds("gone") == plain


async def test_a_failure_before_the_first_word_is_raised() -> None:
    stage = await AssistantHarness(chat=EchoEngine(EchoOptions(fail_after_words=0))).start()
    with pytest.raises(Unavailable):
        await stage.events(user_turn("hello"))


async def test_a_failure_after_the_first_word_ends_the_stream_visibly_and_is_recorded_unfinished() -> None:
    stage = await AssistantHarness(chat=EchoEngine(EchoOptions(fail_after_words=2))).start()
    events = await stage.events(user_turn("one two three four", session_id="s1"))
    assert joined_text(events).strip() == "one two"
    assert isinstance(events[-1], TurnFailed)
    assert events[-1].code == "engine_failed"
    assert [(e.answer.strip(), e.finished) for e in stage.observer.exchanges] == [("one two", False)]


@pytest.mark.parametrize("listener", ["stays", "hangs up", "hears nothing"])
async def test_a_prepared_answer_that_was_given_counts_one_hit_however_its_sound_ends(listener: str) -> None:
    reports: list[DoorReport] = []

    class Link:
        async def snapshots(self, after_revision: int, subscriber: str) -> AsyncIterator[Snapshot]:
            yield SNAPSHOT

        async def report(self, report: DoorReport) -> None:
            reports.append(report)

    stage = await AssistantHarness(speech=ToneEngine(ToneOptions(mute=listener == "hears nothing"))).start()
    outbox = ReportOutbox(Link(), "door", stage.snapshots)
    secretary = ConversationAssistant(stage.pipeline, stage.snapshots, outbox)
    async with Closing(secretary.reply(user_turn(HOURS.question, speak=True))) as events:
        async for event in events:
            if isinstance(event, SpeechReady) and listener == "hangs up":
                break
    await outbox.flush()
    assert [report.faq_hits for report in reports] == [{HOURS.id: 1}]


async def test_a_voice_that_gives_no_sound_fails_the_turn_after_the_text() -> None:
    stage = await AssistantHarness(speech=ToneEngine(ToneOptions(mute=True))).start()
    events = await stage.events(user_turn("hello there", speak=True))
    assert isinstance(events[-1], TurnFailed)


async def test_closing_the_stream_stops_model_and_voice() -> None:
    chat = EchoEngine(EchoOptions(delay_s=0.01))
    stage = await AssistantHarness(chat=chat, speech=ToneEngine(ToneOptions(delay_s=0.01))).start()
    stream = stage.assistant.reply(user_turn("Here is a first sentence. " * 50, speak=True, session_id="s1"))
    async for event in stream:
        if isinstance(event, SpeechReady):
            break
    assert stage.observer.live["llm"] == 1
    await asyncio.wait_for(stream.aclose(), 1)  # type: ignore[attr-defined]
    assert stage.observer.live == {"llm": 0, "tts": 0}
    assert not stage.observer.exchanges[0].finished


async def test_cancelling_the_task_stops_model_and_voice() -> None:
    stage = await AssistantHarness(chat=EchoEngine(EchoOptions(delay_s=0.01))).start()
    task = asyncio.create_task(stage.events(user_turn("Here is a first sentence. " * 50, speak=True)))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert all(count == 0 for count in stage.observer.live.values())


async def test_only_turns_of_a_stored_session_are_recorded() -> None:
    stage = await AssistantHarness().start()
    await stage.events(user_turn("hello"))
    await stage.events(user_turn("hello", session_id="s1"))
    assert [e.session_id for e in stage.observer.exchanges] == ["s1"]


async def test_nothing_to_answer_and_unknown_routes_are_refused_before_the_stream() -> None:
    stage = await AssistantHarness().start()
    with pytest.raises(InvalidRequest):
        stage.assistant.reply(user_turn("   "))
    with pytest.raises(InvalidRequest):
        stage.assistant.reply(ChatTurn("t", TurnSource(SourceKind.API), (ChatMessage("assistant", "hi"),)))
    with pytest.raises(ModelNotFound):
        stage.assistant.reply(user_turn("hi", route=Route(RouteKind.CLOUD, "nowhere")))


async def test_without_a_snapshot_the_caller_is_asked_to_come_back() -> None:
    stage = await AssistantHarness(snapshots=StaticSnapshotSource(ready=False)).start()
    with pytest.raises(Unavailable) as caught:
        stage.assistant.reply(user_turn("hi"))
    assert caught.value.retry_after_s


async def test_status_tells_of_every_engine() -> None:
    stage = await AssistantHarness().start()
    assert [status.engine for status in await stage.assistant.status()] == ["echo", "tone"]


async def test_sound_to_be_understood_is_bounded_by_the_setting_and_counted() -> None:
    bounds: list[float] = []

    def decode(data: bytes, max_seconds: float) -> bytes:
        bounds.append(max_seconds)
        return data

    recognizer = DecodingRecognizer(TranscriptRecognizer(TranscriptOptions(text="да")), decode)
    stage = await AssistantHarness(recognizer=recognizer).start()
    await recognizer.start()
    limits = stage.snapshots.current.settings.limits.model_copy(update={"max_audio_minutes": 2})
    settings = stage.snapshots.current.settings.model_copy(update={"limits": limits})
    stage.snapshots.current = stage.snapshots.current.model_copy(update={"settings": settings})
    await collect(stage.assistant.transcribe(RecognitionRequest(bytes(3 * 32_000))))
    assert bounds == [120]
    assert stage.observer.seconds == pytest.approx(3)
