"""Turns: the FAQ before the model, speech during the text, failures and cancellation."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
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
    AnswerMatched,
    SpeechReady,
    TextDelta,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from deployments.contracts.reports import DoorReport
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import RecognitionRequest
from deployments.contracts.streams import Closing
from deployments.contracts.voice_settings import Preset, PresetParams
from deployments.conversation.assistant import ConversationAssistant
from deployments.conversation.report_outbox import ReportOutbox
from deployments.engines.adapters import DecodingRecognizer
from deployments.engines.chat.echo import EchoEngine, EchoOptions
from deployments.engines.recognition.transcript import TranscriptOptions, TranscriptRecognizer
from deployments.engines.speech.tone import ToneEngine, ToneOptions
from tests.unit.conversation.fakes import FailingAnswerBook, FixedAnswerBook, SlowAnswerBook
from tests.unit.conversation.harness import (
    HOURS,
    SNAPSHOT,
    AssistantHarness,
    StaticSnapshotSource,
    collect,
    joined_text,
    user_turn,
)


async def test_turn_exact_match_answers_without_model() -> None:
    harness = await AssistantHarness().start()
    events = await harness.events(user_turn("часы РАБОТЫ?"))
    started, matched, delta, finished = events
    assert started == TurnStarted("t1", 3, "faq:7")
    assert isinstance(matched, AnswerMatched)
    assert matched.match.entry_id == HOURS.id
    assert delta == TextDelta(HOURS.answer)
    assert isinstance(finished, TurnFinished)
    assert finished.route == "faq:7"
    assert harness.observer.opened["llm"] == 0


@pytest.mark.parametrize("route", [None, LOCAL_ROUTE])
async def test_turn_checks_faq_on_every_route(route: Route | None) -> None:
    harness = await AssistantHarness().start()
    events = await harness.events(user_turn("Часы работы", route=route))
    assert joined_text(events) == HOURS.answer


async def test_turn_ranked_match_answers() -> None:
    harness = await AssistantHarness(ranked=FixedAnswerBook()).start()
    events = await harness.events(user_turn("что-то похожее"))
    assert joined_text(events) == "Похоже."
    assert events[-1].route == "faq:9"


async def test_local_model_starts_during_ranked_lookup() -> None:
    ranked = SlowAnswerBook(None)
    harness = await AssistantHarness(ranked=ranked).start()
    ranked.observer = harness.observer
    events = await harness.events(user_turn("one two"))
    assert joined_text(events).strip() == "one two"
    assert ranked.model_started == [True]


async def test_late_ranked_match_discards_model_output() -> None:
    ranked = SlowAnswerBook(FixedAnswerBook.match)
    harness = await AssistantHarness(ranked=ranked).start()
    ranked.observer = harness.observer
    events = await harness.events(user_turn("one two"))
    assert joined_text(events) == "Похоже."
    assert harness.observer.opened["llm"] == 1
    assert harness.observer.live["llm"] == 0
    assert events[-1].usage.completion_tokens == 0


async def test_turn_without_model_still_answers_from_faq() -> None:
    harness = await AssistantHarness().start()
    bare = ConversationAssistant(replace(harness.pipeline, chat={}), harness.snapshots, harness.observer)
    assert joined_text([event async for event in bare.reply(user_turn("Часы работы"))]) == HOURS.answer
    with pytest.raises(Unavailable, match="no language model"):
        await anext(bare.reply(user_turn("hello there")))
    with pytest.raises(ModelNotFound):
        bare.reply(user_turn("Часы работы", route=LOCAL_ROUTE))


async def test_json_turn_skips_faq() -> None:
    harness = await AssistantHarness(ranked=FixedAnswerBook()).start()
    wanted = GenerationOptions(json_schema="{}")
    for question in ("Часы работы", "что-то похожее"):
        assert (await harness.events(user_turn(question)))[-1].route.startswith("faq:")
        assert (await harness.events(user_turn(question, options=wanted)))[-1].route == "local"


async def test_failing_ranked_lookup_falls_back_to_model() -> None:
    harness = await AssistantHarness(ranked=FailingAnswerBook()).start()
    events = await harness.events(user_turn("hello there"))
    assert joined_text(events).strip() == "hello there"
    assert events[-1].route == "local"


async def test_model_turn_reports_usage_and_stages() -> None:
    harness = await AssistantHarness().start()
    events = await harness.events(user_turn("one two three"))
    finished = events[-1]
    assert isinstance(finished, TurnFinished)
    assert finished.usage.completion_tokens > 0
    assert finished.timings.first_token_ms is not None
    assert [name for name, _ in harness.observer.stages] == ["faq", "first_token", "total"]


async def test_speech_starts_before_text_ends() -> None:
    chat = EchoEngine(EchoOptions(delay_s=0.02))
    harness = await AssistantHarness(chat=chat).start()
    words = "First of all, I am glad to hear from you today. " + "Then comes quite a lot of other text. " * 3
    events = await harness.events(user_turn(words, speak=True))
    kinds = [type(event).__name__ for event in events]
    last_text = max(i for i, kind in enumerate(kinds) if kind == "TextDelta")
    assert kinds.index("SpeechReady") < last_text
    assert kinds[-1] == "TurnFinished"
    sequences = [event.chunk.sequence for event in events if isinstance(event, SpeechReady)]
    assert sequences == list(range(len(sequences)))


@pytest.mark.parametrize(
    ("question", "voice"), [("Привет, как дела сегодня?", "tone-ru"), ("Good day to you", "tone-en")]
)
async def test_voice_matches_answer_language(question: str, voice: str) -> None:
    harness = await AssistantHarness().start()
    events = await harness.events(user_turn(question, speak=True))
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
async def test_voice_matches_detected_or_given_language(question: str, locale: str | None, voice: str) -> None:
    harness = await AssistantHarness(speech=ToneEngine(ToneOptions(languages=("ru", "en", "de", "el", "uk")))).start()
    events = await harness.events(user_turn(question, speak=True, locale=locale))
    assert {event.voice_id for event in events if isinstance(event, SpeechReady)} == {voice}


async def test_voice_id_is_used_and_unknown_one_rejected() -> None:
    harness = await AssistantHarness().start()
    events = await harness.events(user_turn("Good day to you", speak=True, voice_id="tone-ru"))
    assert {event.voice_id for event in events if isinstance(event, SpeechReady)} == {"tone-ru"}
    with pytest.raises(VoiceNotFound, match="tone-"):
        harness.assistant.reply(user_turn("Good day", speak=True, voice_id="nobody"))


async def test_turn_preset_sets_speed_unless_deleted() -> None:
    presets = (Preset(name="double", params=PresetParams(speed=2)),)
    harness = await AssistantHarness(
        snapshots=StaticSnapshotSource(SNAPSHOT.model_copy(update={"presets": presets}))
    ).start()

    async def seconds(preset: str | None) -> float:
        events = await harness.events(user_turn("Good day to you", speak=True, preset=preset))
        return sum(event.chunk.seconds for event in events if isinstance(event, SpeechReady))

    plain = await seconds(None)
    assert await seconds("double") == pytest.approx(plain / 2, rel=0.05)
    assert await seconds("gone") == plain


async def test_failure_before_first_event_is_raised() -> None:
    harness = await AssistantHarness(chat=EchoEngine(EchoOptions(fail_after_words=0))).start()
    with pytest.raises(Unavailable):
        await harness.events(user_turn("hello"))


async def test_failed_question_is_recorded_without_answer() -> None:
    harness = await AssistantHarness(chat=EchoEngine(EchoOptions(fail_after_words=0))).start()
    with pytest.raises(Unavailable):
        await harness.events(user_turn("hello", session_id="s1"))
    (recorded,) = harness.observer.exchanges
    assert (recorded.answer, recorded.finished, recorded.error) == ("", False, "engine_failed")
    assert recorded.needs_answer


async def test_exchange_has_times_and_language() -> None:
    harness = await AssistantHarness().start()
    await harness.events(user_turn("hello there", session_id="s1", speak=True))
    (recorded,) = harness.observer.exchanges
    stages = (recorded.first_token_ms, recorded.first_sentence_ms, recorded.first_audio_ms, recorded.total_ms)
    assert list(stages) == sorted(stages)  # type: ignore[type-var]
    assert (recorded.language, recorded.error, recorded.needs_answer) == ("en", "", False)


async def test_failure_after_first_event_ends_with_turn_failed() -> None:
    harness = await AssistantHarness(chat=EchoEngine(EchoOptions(fail_after_words=2))).start()
    events = await harness.events(user_turn("one two three four", session_id="s1"))
    assert joined_text(events).strip() == "one two"
    assert isinstance(events[-1], TurnFailed)
    assert events[-1].code == "engine_failed"
    assert [(e.answer.strip(), e.finished) for e in harness.observer.exchanges] == [("one two", False)]


@pytest.mark.parametrize("listener", ["reads to the end", "cancels", "gets no audio"])
async def test_faq_hit_counts_once_however_speech_ends(listener: str) -> None:
    reports: list[DoorReport] = []

    class Link:
        async def snapshots(self, after_revision: int, subscriber: str) -> AsyncIterator[Snapshot]:
            yield SNAPSHOT

        async def report(self, report: DoorReport) -> None:
            reports.append(report)

    harness = await AssistantHarness(speech=ToneEngine(ToneOptions(mute=listener == "gets no audio"))).start()
    outbox = ReportOutbox(Link(), "door", harness.snapshots)
    assistant = ConversationAssistant(harness.pipeline, harness.snapshots, outbox)
    async with Closing(assistant.reply(user_turn(HOURS.question, speak=True))) as events:
        async for event in events:
            if isinstance(event, SpeechReady) and listener == "cancels":
                break
    await outbox.flush()
    assert [report.faq_hits for report in reports] == [{HOURS.id: 1}]


async def test_silent_voice_fails_turn_after_text() -> None:
    harness = await AssistantHarness(speech=ToneEngine(ToneOptions(mute=True))).start()
    events = await harness.events(user_turn("hello there", speak=True))
    assert isinstance(events[-1], TurnFailed)


async def test_closing_stream_stops_engines() -> None:
    chat = EchoEngine(EchoOptions(delay_s=0.01))
    harness = await AssistantHarness(chat=chat, speech=ToneEngine(ToneOptions(delay_s=0.01))).start()
    stream = harness.assistant.reply(user_turn("Here is a first sentence. " * 50, speak=True, session_id="s1"))
    async for event in stream:
        if isinstance(event, SpeechReady):
            break
    assert harness.observer.live["llm"] == 1
    await asyncio.wait_for(stream.aclose(), 1)  # type: ignore[attr-defined]
    assert harness.observer.live == {"llm": 0, "tts": 0}
    assert not harness.observer.exchanges[0].finished


async def test_cancelling_task_stops_engines() -> None:
    harness = await AssistantHarness(chat=EchoEngine(EchoOptions(delay_s=0.01))).start()
    task = asyncio.create_task(harness.events(user_turn("Here is a first sentence. " * 50, speak=True)))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert all(count == 0 for count in harness.observer.live.values())


async def test_only_session_turns_are_recorded() -> None:
    harness = await AssistantHarness().start()
    await harness.events(user_turn("hello"))
    await harness.events(user_turn("hello", session_id="s1"))
    assert [e.session_id for e in harness.observer.exchanges] == ["s1"]


async def test_reply_rejects_empty_turn_and_unknown_route() -> None:
    harness = await AssistantHarness().start()
    with pytest.raises(InvalidRequest):
        harness.assistant.reply(replace(user_turn("   "), source=TurnSource(SourceKind.TELEGRAM, "1")))
    with pytest.raises(InvalidRequest):
        harness.assistant.reply(ChatTurn("t", TurnSource(SourceKind.ADMIN), (ChatMessage("assistant", "hi"),)))
    with pytest.raises(ModelNotFound):
        harness.assistant.reply(user_turn("hi", route=Route(RouteKind.CLOUD, "nowhere")))


async def test_reply_without_snapshot_asks_to_retry() -> None:
    harness = await AssistantHarness(snapshots=StaticSnapshotSource(ready=False)).start()
    with pytest.raises(Unavailable) as caught:
        harness.assistant.reply(user_turn("hi"))
    assert caught.value.retry_after_s


async def test_status_lists_every_engine() -> None:
    harness = await AssistantHarness().start()
    assert [status.engine for status in await harness.assistant.status()] == ["echo", "tone"]


async def test_transcription_applies_max_audio_minutes() -> None:
    bounds: list[float] = []

    async def windows(data: bytes, max_seconds: float) -> AsyncGenerator[bytes]:
        bounds.append(max_seconds)
        yield data

    recognizer = DecodingRecognizer(TranscriptRecognizer(TranscriptOptions(text="да")), windows)
    harness = await AssistantHarness(recognizer=recognizer).start()
    await recognizer.start()
    limits = harness.snapshots.current.settings.limits.model_copy(update={"max_audio_minutes": 2})
    settings = harness.snapshots.current.settings.model_copy(update={"limits": limits})
    harness.snapshots.current = harness.snapshots.current.model_copy(update={"settings": settings})
    await collect(harness.assistant.transcribe(RecognitionRequest(bytes(3 * 32_000))))
    assert bounds == [120]
    assert harness.observer.seconds == pytest.approx(3)
