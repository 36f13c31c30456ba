"""A scripted ``Assistant`` that records its requests.

``faq`` maps questions to answers; other questions are answered with ``deltas``. A script replaces the events of a
stream: ``ScriptPause(seconds)`` waits, an exception is raised, an event is yielded.
"""

import asyncio
import math
import struct
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field, replace
from io import BytesIO

from deployments.audio.decode import measure_seconds
from deployments.contracts.audio import PCM16_22K, AudioFormat, SpeechChunk
from deployments.contracts.chat import ChatTurn
from deployments.contracts.errors import Unavailable, VoiceNotFound
from deployments.contracts.events import (
    AnswerMatch,
    AnswerMatched,
    SpeechReady,
    TextDelta,
    Timings,
    TurnEvent,
    TurnFinished,
    TurnStarted,
    Usage,
)
from deployments.contracts.speech import (
    EngineStatus,
    RecognitionRequest,
    SpeechRequest,
    TranscriptEvent,
    TranscriptFinished,
    TranscriptSegment,
    Voice,
    Word,
)

ANNA = Voice("ru-anna", "Anna", "espeak", ("ru",), 22_050, neural=False, model_id="espeak-ng")
JOE = Voice("en-joe", "Joe", "piper", ("en",), 22_050, model_id="en_US-joe-medium")

STATUSES = (
    EngineStatus("llama-cpp", "chat", "llama-cpp", ready=True, model="lab/smollm2-135m", revision="q4"),
    EngineStatus("piper", "speech", "piper", ready=True, model="en_US-joe-medium"),
    EngineStatus(
        "whisper", "recognition", "whisper", ready=False, model="whisper-base", error="no weights", remedy="pull it"
    ),
)


@dataclass(frozen=True)
class ScriptPause:
    seconds: float


ScriptStep = TurnEvent | ScriptPause | asyncio.Event | Exception
"""An event is yielded, a pause or ``asyncio.Event`` is awaited, an exception is raised."""


def tone(seconds: float, format: AudioFormat = PCM16_22K, hertz: float = 440) -> bytes:
    """A sine of half volume."""
    count = int(seconds * format.rate)
    wave = (int(16_000 * math.sin(2 * math.pi * hertz * n / format.rate)) for n in range(count))
    return struct.pack(f"<{count}h", *wave)


@dataclass
class ScriptedAssistant:
    """``open_streams`` counts streams in progress, ``closed_early`` those closed before their end."""

    faq: dict[str, str] = field(default_factory=dict)
    deltas: tuple[str, ...] = ("Добрый ", "день. ", "How are you?")
    script: list[ScriptStep] | None = None
    rejection: Exception | None = None
    sentences: tuple[str, ...] = ("One.", "Two.", "Three.")
    speech_script: list[SpeechChunk | ScriptPause | Exception] | None = None
    transcript_script: list[TranscriptEvent | ScriptPause | Exception] | None = None
    engine_statuses: tuple[EngineStatus, ...] = STATUSES
    status_delay_s: float = 0
    all_voices: tuple[Voice, ...] = (ANNA, JOE)

    turns: list[ChatTurn] = field(default_factory=list)
    speech_requests: list[SpeechRequest] = field(default_factory=list)
    recognition_requests: list[RecognitionRequest] = field(default_factory=list)
    status_calls: int = 0
    open_streams: int = 0
    closed_early: int = 0

    def reply(self, turn: ChatTurn) -> AsyncIterator[TurnEvent]:
        self.turns.append(turn)
        if self.rejection is not None:
            raise self.rejection
        return self._counted(self._run_script(self._events(turn) if self.script is None else self.script))

    def speak(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        self.speech_requests.append(request)
        if self.rejection is not None:
            raise self.rejection
        script = self.speech_script
        return self._counted(self._run_script(self._chunks() if script is None else script))

    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        if request.file is not None:  # closed when the request has ended
            request = replace(request, audio=request.file.read(), file=None)
        self.recognition_requests.append(request)
        if self.rejection is not None:
            raise self.rejection
        script = self.transcript_script
        return self._counted(self._transcript(request, list(TRANSCRIPT) if script is None else script))

    def voices(self) -> tuple[Voice, ...]:
        return self.all_voices

    def find_voice(self, voice_id: str | None) -> Voice | None:
        if voice_id == "loading":
            raise Unavailable("voice is still loading its voices", retry_after_s=2)
        known = ", ".join(voice.id for voice in self.all_voices)
        raise VoiceNotFound(f"unknown voice {voice_id!r}; available: {known}", param="voice")

    async def status(self) -> tuple[EngineStatus, ...]:
        self.status_calls += 1
        await asyncio.sleep(self.status_delay_s)
        return self.engine_statuses

    def _events(self, turn: ChatTurn) -> list[TurnEvent]:
        answer = self.faq.get(turn.question)
        if answer is not None:
            match = AnswerMatch(7, answer, "ru", "exact", 100.0, turn.question)
            middle = [AnswerMatched(match), *self._delta_events(turn, (answer,))]
            end = TurnFinished("stop", Usage(), Timings(faq_ms=0.04, total_ms=0.05), "faq:7")
        else:
            middle = self._delta_events(turn, self.deltas)
            timings = Timings(faq_ms=0.1, first_token_ms=12.5, total_ms=40)
            end = TurnFinished("stop", Usage(11, len(self.deltas), 3), timings, str(turn.route or "local"), "smollm2")
        return [TurnStarted(turn.turn_id, 42), *middle, end]

    def _delta_events(self, turn: ChatTurn, texts: tuple[str, ...]) -> list[TurnEvent]:
        events: list[TurnEvent] = []
        for number, text in enumerate(texts):
            events.append(TextDelta(text))
            if turn.speak:
                events.append(SpeechReady(SpeechChunk(tone(0.1), PCM16_22K, text, number), turn.voice_id or JOE.id))
        return events

    def _chunks(self) -> list[SpeechChunk]:
        return [SpeechChunk(tone(0.3), PCM16_22K, text, number) for number, text in enumerate(self.sentences)]

    async def _transcript(self, request: RecognitionRequest, script: list) -> AsyncGenerator:  # type: ignore[type-arg]
        """Refuses files without audio, as recognition does."""
        if request.format is None:
            await asyncio.to_thread(measure_seconds, BytesIO(request.audio), request.max_seconds)
        async for event in self._run_script(script):
            yield event

    async def _run_script(self, script: list) -> AsyncGenerator:  # type: ignore[type-arg]
        for step in script:
            if isinstance(step, ScriptPause):
                await asyncio.sleep(step.seconds)
            elif isinstance(step, asyncio.Event):
                await step.wait()
            elif isinstance(step, Exception):
                raise step
            else:
                yield step

    async def _counted(self, stream: AsyncGenerator) -> AsyncGenerator:  # type: ignore[type-arg]
        self.open_streams += 1
        ended = False
        try:
            async for item in stream:
                yield item
            ended = True
        except Exception:
            ended = True
            raise
        finally:
            self.open_streams -= 1
            self.closed_early += not ended
            await stream.aclose()


TRANSCRIPT: tuple[TranscriptEvent, ...] = (
    TranscriptSegment(
        0,
        " Добрый день.",
        0.0,
        1.25,
        (Word(" Добрый", 0.0, 0.5), Word(" день.", 0.5, 1.25)),
        (5, 6),
        0,
        -0.2,
        1.1,
        0.01,
    ),
    TranscriptSegment(1, " Чем помочь?", 1.25, 3661.5, (Word(" Чем", 1.25, 2.0), Word(" помочь?", 2.0, 2.5)), (7,)),
    TranscriptFinished("Добрый день. Чем помочь?", "ru", 2.5, "whisper-base"),
)
