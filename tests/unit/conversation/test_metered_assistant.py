"""The metered assistant: what turns, speech and transcripts cost, also when they are cancelled."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from deployments.audio.encode import wav_file
from deployments.contracts.audio import PCM16_16K, AudioFormat
from deployments.contracts.chat import ChatMessage, ChatTurn, SourceKind, TurnSource
from deployments.contracts.errors import ConversationTooLong, EngineFailed, EngineTimeout, Overloaded, SecretaryError
from deployments.contracts.speech import RecognitionRequest, SpeechRequest
from deployments.contracts.streams import Closing
from deployments.conversation.metered_assistant import MeteredAssistant
from deployments.conversation.usage_tracker import UsageTracker
from tests.fakes.assistant import ScriptedAssistant, ScriptPause
from tests.unit.conversation.fakes import DAY, UsageClock


def ask(text: str = "Hi", kind: SourceKind = SourceKind.API, speak: bool = False) -> ChatTurn:
    return ChatTurn("t", TurnSource(kind), (ChatMessage("user", text),), speak=speak)


async def drain(stream: AsyncIterator[object], most: int = 1_000) -> None:
    async with Closing(stream) as items:
        async for _ in items:
            most -= 1
            if not most:
                return


async def test_metered_turn_counts_reported_tokens() -> None:
    tracker = UsageTracker(UsageClock())
    await drain(MeteredAssistant(ScriptedAssistant(), tracker, SourceKind.API, 7).reply(ask()))
    (count,) = tracker.take_unreported()
    assert (count.day, count.key_id, count.source, count.route) == (DAY, 7, "api", "local")
    assert (count.requests, count.prompt_tokens, count.completion_tokens) == (1, 11, 3)


async def test_metered_turn_cancelled_midway_is_estimated() -> None:
    tracker = UsageTracker(UsageClock())
    await drain(MeteredAssistant(ScriptedAssistant(), tracker, SourceKind.API, 7).reply(ask("x" * 400)), most=3)
    assert tracker.used_today(7).tokens >= 100 + 2


PAUSE_BEFORE_FIRST_ITEM = [ScriptPause(30)]


async def cancel_before_first_item(stream: AsyncIterator[object]) -> None:
    """Cancels a reader of ``stream`` before the first item arrives."""
    reading = asyncio.create_task(drain(stream))
    await asyncio.sleep(0.01)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


@contextmanager
def raises_same(error: SecretaryError) -> Iterator[None]:
    with pytest.raises(type(error)):
        yield


async def test_metered_turn_cancelled_early_costs_prompt() -> None:
    tracker = UsageTracker(UsageClock())
    metered = MeteredAssistant(ScriptedAssistant(script=PAUSE_BEFORE_FIRST_ITEM), tracker, SourceKind.API, 7)
    await cancel_before_first_item(metered.reply(ask("x" * 100_000)))
    (count,) = tracker.take_unreported()
    assert (count.requests, count.prompt_tokens, count.completion_tokens) == (1, 25_000, 0)


async def test_metered_turn_never_started_costs_nothing() -> None:
    tracker = UsageTracker(UsageClock())
    metered = MeteredAssistant(ScriptedAssistant(), tracker, SourceKind.API, 7)
    async with Closing(metered.reply(ask("x" * 400))):
        pass
    assert tracker.take_unreported() == ()


@pytest.mark.parametrize(
    ("error", "tokens"),
    [
        (Overloaded("busy"), 0),
        (ConversationTooLong("too long"), 0),
        (EngineFailed("broke"), 100),
        (EngineTimeout("slow"), 100),
    ],
)
async def test_metered_turn_cost_depends_on_error(error: SecretaryError, tokens: int) -> None:
    tracker = UsageTracker(UsageClock())
    metered = MeteredAssistant(ScriptedAssistant(script=[error]), tracker, SourceKind.API, 7)
    with raises_same(error):
        await drain(metered.reply(ask("x" * 400)))
    assert tracker.used_today(7).tokens == tokens


async def test_metered_speech_cancelled_early_costs_first_piece() -> None:
    tracker = UsageTracker(UsageClock())
    metered = MeteredAssistant(ScriptedAssistant(speech_script=PAUSE_BEFORE_FIRST_ITEM), tracker, SourceKind.API, 7)
    await cancel_before_first_item(metered.speak(SpeechRequest("x" * 149 + ". And more. And more.")))
    assert tracker.used_today(7).audio_seconds == pytest.approx(10.0, abs=0.1)
    await cancel_before_first_item(metered.speak(SpeechRequest("x" * 149 + ". And more.", speed=2.0)))
    assert tracker.used_today(7).audio_seconds == pytest.approx(15.0, abs=0.1)


async def test_metered_speech_cancelled_midway_costs_chunks() -> None:
    tracker = UsageTracker(UsageClock())
    metered = MeteredAssistant(ScriptedAssistant(), tracker, SourceKind.API, 7)
    await drain(metered.speak(SpeechRequest("x" * 1_000)), most=2)
    assert tracker.used_today(7).audio_seconds == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize(("format", "seconds"), [(PCM16_16K, 10.0), (None, 20.0)], ids=["samples", "file"])
async def test_metered_transcription_cancelled_costs_length(format: AudioFormat | None, seconds: float) -> None:
    tracker = UsageTracker(UsageClock())
    metered = MeteredAssistant(ScriptedAssistant(transcript_script=PAUSE_BEFORE_FIRST_ITEM), tracker, SourceKind.API, 7)
    audio = bytes(320_000) if format else wav_file(bytes(320_000), PCM16_16K)
    await cancel_before_first_item(metered.transcribe(RecognitionRequest(audio, format)))
    assert tracker.used_today(7).audio_seconds == pytest.approx(seconds, abs=0.01)


@pytest.mark.parametrize(("error", "seconds"), [(Overloaded("busy"), 0), (EngineFailed("broke"), 10)])
async def test_metered_audio_cost_depends_on_error(error: SecretaryError, seconds: float) -> None:
    tracker = UsageTracker(UsageClock())
    assistant = ScriptedAssistant(speech_script=[error], transcript_script=[error])
    metered = MeteredAssistant(assistant, tracker, SourceKind.API, 7)
    with raises_same(error):
        await drain(metered.transcribe(RecognitionRequest(bytes(320_000), PCM16_16K)))
    assert tracker.used_today(7).audio_seconds == seconds
    with raises_same(error):
        await drain(metered.speak(SpeechRequest("x" * 150)))
    assert tracker.used_today(7).audio_seconds == 2 * seconds


async def test_metered_faq_answer_costs_no_tokens() -> None:
    tracker = UsageTracker(UsageClock())
    await drain(MeteredAssistant(ScriptedAssistant(faq={"Hi": "Hello"}), tracker, SourceKind.API, 7).reply(ask()))
    (count,) = tracker.take_unreported()
    assert (count.route, count.requests, count.prompt_tokens + count.completion_tokens) == ("faq", 1, 0)


async def test_metered_audio_counts_by_source_and_route() -> None:
    tracker = UsageTracker(UsageClock())
    metered = MeteredAssistant(ScriptedAssistant(), tracker, SourceKind.TELEGRAM)
    await drain(metered.reply(ask(kind=SourceKind.TELEGRAM, speak=True)))
    await drain(metered.speak(SpeechRequest("One. Two.")))
    await drain(metered.transcribe(RecognitionRequest(bytes(320_000), PCM16_16K)), most=1)
    seconds = {(count.source, count.route): count.audio_seconds for count in tracker.take_unreported()}
    assert seconds == pytest.approx(
        {("telegram", "local"): 0.3, ("telegram", "speech"): 0.9, ("telegram", "transcription"): 10.0}, abs=0.01
    )
