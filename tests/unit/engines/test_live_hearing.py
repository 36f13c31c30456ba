"""Live sessions with scripted voice detection and engines. A block of sound is one frame: b"#" speech, b"." silence."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from deployments.contracts.errors import EngineFailed, EngineTimeout, NotFound, Overloaded, TooLarge
from deployments.contracts.speech import (
    FinalTranscript,
    HearingEvent,
    ListeningFinished,
    ListeningStarted,
    ListenRequest,
    PartialTranscript,
    RecognitionRequest,
    RevisedTranscript,
    SpeechEnded,
    SpeechStarted,
    TranscriptEvent,
    TranscriptFailed,
    TranscriptFinished,
    TranscriptSegment,
    Word,
    WordChange,
)
from deployments.engines.recognition.listening_sessions import ListeningSessions
from deployments.engines.recognition.live_hearing import LiveHearing
from deployments.engines.recognition.vad_worker import FRAME_BYTES
from deployments.engines.recognition.voice_detection import DetectedSound
from tests.waiting import wait_until

STARTED = ListeningStarted("vosk", "ko", "why", "whisper")
TALK = "....####......###....."


class ScriptedDetection:
    """Silence in the format of the session (zeros) is silence."""

    open_sessions = 0

    async def open(self, format: object) -> "ScriptedDetection":
        self.open_sessions += 1
        return self

    async def feed(self, sound: bytes) -> DetectedSound:
        frames = [bytes([byte]) for byte in sound] if sound.strip(b"\0") else [b"."] * (len(sound) // FRAME_BYTES)
        pcm = b"".join(frame * FRAME_BYTES for frame in frames)
        return DetectedSound(pcm, [0.9 if frame == b"#" else 0.0 for frame in frames])

    async def finish(self) -> DetectedSound:
        return DetectedSound(b"", ())

    async def close(self) -> None:
        self.open_sessions -= 1


@dataclass
class ScriptedWords:
    """Implements StreamingRecognizer and WordStream: a word for every frame of speech. ``fails_at`` counts the calls of
    ``feed``."""

    fails_at: tuple[int, ...] = ()
    calls: int = 0
    opened: int = 0
    heard: int = 0
    unknown_words: tuple[str, ...] = ()

    def language_of(self, language: str | None) -> str:
        return language or "ru"

    async def open_words(
        self, language: str | None, grammar: tuple[str, ...] = (), hot_words: tuple[str, ...] = ()
    ) -> "ScriptedWords":
        self.opened += 1
        self.unknown_words = hot_words[1:]
        return self

    async def feed(self, pcm: bytes) -> str:
        self.calls += 1
        if self.calls in self.fails_at:
            raise EngineFailed("vosk died")
        self.heard += pcm.count(b"#") // FRAME_BYTES
        return "да " * self.heard if self.heard else ""

    async def finish(self) -> TranscriptSegment:
        heard, self.heard = self.heard, 0
        words = tuple(Word("да", 0.1 * n, 0.1 * n + 0.1) for n in range(heard))
        return TranscriptSegment(0, " ".join("да" for _ in words), 0, 1, words)

    async def close(self) -> None:
        self.opened -= 1


@dataclass
class ScriptedWhole:
    text: str = "Да, нет."
    fails: bool = False
    requests: list[RecognitionRequest] = field(default_factory=list)

    async def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        self.requests.append(request)
        if self.fails:
            raise EngineFailed("whisper died")
        yield TranscriptSegment(0, self.text, 0.1, 0.2)
        yield TranscriptFinished(self.text, "ru", 1.0)


async def frames(talk: str) -> AsyncIterator[bytes]:
    for frame in talk:
        yield frame.encode()


async def hear(
    live: ScriptedWords | None, whole: ScriptedWhole | None, talk: str = TALK, **options: object
) -> list[HearingEvent]:
    detection = ScriptedDetection()
    hearing = LiveHearing(detection, STARTED, live, whole)  # type: ignore[arg-type]
    request = ListenRequest(silence_ms=96, words=True, **options)  # type: ignore[arg-type]
    events = [event async for event in hearing.listen(request, frames(talk))]
    assert detection.open_sessions == 0
    assert live is None or live.opened == 0
    return events


def kinds(events: list[HearingEvent]) -> list[type]:
    return [type(event) for event in events]


async def test_live_engine_gives_partial_and_final_words() -> None:
    events = await hear(ScriptedWords(), None)
    assert kinds(events)[:2] == [ListeningStarted, SpeechStarted]
    assert kinds(events)[2:6] == [PartialTranscript, PartialTranscript, PartialTranscript, SpeechEnded]
    assert events[1] == SpeechStarted(1, 0.128)
    assert SpeechEnded(1, 0.256) in events
    finals = [event for event in events if isinstance(event, FinalTranscript)]
    assert [(final.utterance, final.text) for final in finals] == [(1, "да да да да"), (2, "да да да")]
    assert [final.words[0].start for final in finals] == [0.0, pytest.approx(0.352)]
    assert events[-1] == ListeningFinished(0.704, 2)
    other = await hear(ScriptedWords(), None, partials=False, hot_words=("Анна", "Абырвалг"))
    assert PartialTranscript not in kinds(other)
    assert other[0] == replace(STARTED, unknown_words=("Абырвалг",))


async def test_other_engine_hears_whole_utterances() -> None:
    whole = ScriptedWhole()
    events = await hear(None, whole, hot_words=("Анна", "Пермь"), language="ru")
    assert [(e.utterance, e.text, e.engine) for e in events if isinstance(e, FinalTranscript)] == [
        (1, "Да, нет.", "vosk"),
        (2, "Да, нет.", "vosk"),
    ]
    assert kinds(events)[-1] is ListeningFinished
    assert [request.audio.count(b"#") // FRAME_BYTES for request in whole.requests] == [4, 3]
    assert (whole.requests[0].hot_words, whole.requests[0].language) == (("Анна", "Пермь"), "ru")


async def test_second_pass_keeps_both_texts_and_the_difference() -> None:
    events = await hear(ScriptedWords(), ScriptedWhole(), second_pass=True)
    revised = [event for event in events if isinstance(event, RevisedTranscript)]
    assert (revised[0].first_text, revised[0].text) == ("да да да да", "Да, нет.")
    assert revised[0].changes == (WordChange("да да да", "нет."),)
    assert (revised[0].engine, [event.utterance for event in revised]) == ("whisper", [1, 2])


async def test_failed_engine_costs_one_utterance() -> None:
    events = await hear(ScriptedWords(fails_at=(2,)), None)
    assert TranscriptFailed(1, "vosk", "engine_failed", "vosk died") in events
    assert [event.utterance for event in events if isinstance(event, FinalTranscript)] == [2]
    events = await hear(ScriptedWords(), ScriptedWhole(fails=True), second_pass=True)
    assert sum(isinstance(event, TranscriptFailed) for event in events) == 2
    assert sum(isinstance(event, FinalTranscript) for event in events) == 2


async def test_too_long_session_ends_with_an_error() -> None:
    with pytest.raises(TooLarge):
        await hear(ScriptedWords(), None, max_seconds=0.1)


async def test_gap_in_the_sound_counts_as_silence() -> None:
    gone = asyncio.Event()

    async def falls_silent() -> AsyncIterator[bytes]:
        yield b"..####"
        await gone.wait()

    hearing = LiveHearing(ScriptedDetection(), STARTED, ScriptedWords(), None, gap_s=0.064)  # type: ignore[arg-type]
    events: list[HearingEvent] = []
    async with asyncio.timeout(5):
        async for event in hearing.listen(ListenRequest(silence_ms=96), falls_silent()):
            events.append(event)
            if isinstance(event, FinalTranscript):
                gone.set()
    assert kinds(events)[-1] is ListeningFinished


async def test_sessions_take_sound_and_end() -> None:
    sessions = ListeningSessions(1, silent_s=0.05)
    with sessions.opened("a", 10) as inbox:
        with pytest.raises(Overloaded), sessions.opened("b", 10):
            pass
        await sessions.feed("a", bytes(40), last=False)
        more = asyncio.create_task(sessions.feed("a", b"x", last=True))
        await asyncio.sleep(0)
        assert not more.done()
        assert [block async for block in inbox.blocks()] == [bytes(40), b"x"]
        await more
    with pytest.raises(NotFound):
        await sessions.feed("a", b"", last=False)
    with sessions.opened("a", 10) as inbox, pytest.raises(EngineTimeout):
        await anext(inbox.blocks())
    await wait_until(lambda: sessions.open_sessions == 0)
