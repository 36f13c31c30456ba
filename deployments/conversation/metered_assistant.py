"""An assistant that records its usage per API key, source and route."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field, replace

from deployments.contracts.audio import AudioFormat, SpeechChunk
from deployments.contracts.chat import ChatTurn, SourceKind
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import SecretaryError
from deployments.contracts.events import (
    FALLBACK_ROUTE,
    AnswerMatched,
    FallbackGiven,
    SpeechReady,
    TextDelta,
    ToolCallDelta,
    TurnEvent,
    TurnFinished,
    TurnStarted,
)
from deployments.contracts.speech import (
    EngineStatus,
    HearingEvent,
    ListenRequest,
    RecognitionRequest,
    SpeechRequest,
    TranscriptEvent,
    TranscriptSegment,
    Voice,
)
from deployments.contracts.streams import Closing
from deployments.conversation.usage_estimates import (
    estimate_first_piece_s,
    estimate_prompt_tokens,
    estimate_recording_s,
    estimate_tokens,
    is_rejection,
)
from deployments.conversation.usage_tracker import CostEstimate, UsageAmount, UsageTracker

SPEECH_ROUTE, TRANSCRIPTION_ROUTE = "speech", "transcription"
_UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True)
class MeteredAssistant:
    """Implements ``Assistant`` over another one and records its usage.

    ``key_id`` is the API key (0: none). ``source`` applies to speech and transcripts; a turn has its own source.
    ``counts_speech`` False records the audio of speech requests but not their number, which the caller records.

    Cancelled work is estimated from the moment an engine is called: the tokens of the prompt, the first sentence of a
    speech, the whole recording. A turn that is cancelled during the ranked FAQ lookup counts, because the local model
    has started by then. Rejected requests, FAQ answers and fallback answers cost no tokens and no audio.
    """

    assistant: Assistant
    usage: UsageTracker
    source: SourceKind
    key_id: int = 0
    counts_speech: bool = True

    def reply(self, turn: ChatTurn) -> AsyncIterator[TurnEvent]:
        return self._reply(self.assistant.reply(turn), turn)

    def speak(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        request = replace(request, caller=request.caller or f"{self.source.value} {self.key_id}")
        return self._speak(self.assistant.speak(request), request)

    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        return self._transcribe(self.assistant.transcribe(request), request)

    def listen(self, request: ListenRequest, audio: AsyncIterator[bytes]) -> AsyncIterator[HearingEvent]:
        self._count(self.source, TRANSCRIPTION_ROUTE, UsageAmount(requests=int(self.counts_speech)))
        return self.assistant.listen(request, self._heard(audio, request.format))

    def voices(self) -> tuple[Voice, ...]:
        return self.assistant.voices()

    def find_voice(self, voice_id: str | None) -> Voice | None:
        return self.assistant.find_voice(voice_id)

    async def status(self) -> tuple[EngineStatus, ...]:
        return await self.assistant.status()

    async def _reply(self, events: AsyncIterator[TurnEvent], turn: ChatTurn) -> AsyncGenerator[TurnEvent]:
        meter = _TurnMeter(turn)
        try:
            async with Closing(events) as opened:
                async for event in opened:
                    meter.add(event)
                    yield event
        except SecretaryError as error:
            meter.rejected = is_rejection(error)
            raise
        finally:
            self._count(turn.source.kind, meter.route, meter.used(self.usage.estimate_cost))

    async def _speak(self, chunks: AsyncIterator[SpeechChunk], request: SpeechRequest) -> AsyncGenerator[SpeechChunk]:
        seconds, no_audio_yet = 0.0, True
        try:
            async with Closing(chunks) as opened:
                async for chunk in opened:
                    seconds, no_audio_yet = seconds + chunk.seconds, False
                    yield chunk
            no_audio_yet = False
        except SecretaryError as error:
            no_audio_yet = no_audio_yet and not is_rejection(error)
            raise
        finally:
            seconds += estimate_first_piece_s(request) if no_audio_yet else 0.0
            self._count(self.source, SPEECH_ROUTE, UsageAmount(requests=int(self.counts_speech), audio_seconds=seconds))

    async def _transcribe(
        self, events: AsyncIterator[TranscriptEvent], request: RecognitionRequest
    ) -> AsyncGenerator[TranscriptEvent]:
        seconds, started = estimate_recording_s(request), False
        try:
            async with Closing(events) as opened:
                async for event in opened:
                    started = True
                    seconds = max(seconds, event.end) if isinstance(event, TranscriptSegment) else event.seconds
                    yield event
        except SecretaryError as error:
            seconds = seconds if started or not is_rejection(error) else 0.0
            raise
        finally:
            self._count(self.source, TRANSCRIPTION_ROUTE, UsageAmount(requests=1, audio_seconds=seconds))

    async def _heard(self, audio: AsyncIterator[bytes], format: AudioFormat) -> AsyncGenerator[bytes]:
        """``audio``, counted while it comes, so that a daily budget can end a session."""
        async with Closing(audio) as blocks:
            async for block in blocks:
                seconds = format.seconds(len(block))
                self._count(self.source, TRANSCRIPTION_ROUTE, UsageAmount(audio_seconds=seconds))
                yield block

    def _count(self, source: SourceKind, route: str, used: UsageAmount) -> None:
        self.usage.add(self.key_id, source.value, route, used)


@dataclass(slots=True)
class _TurnMeter:
    """Collects the usage of one turn."""

    turn: ChatTurn
    audio_seconds: float = 0.0
    pieces: int = 0
    characters: int = 0
    prepared_route: str = ""
    """The route of an answer that no model wrote."""
    started_route: str = ""
    rejected: bool = False
    finished: TurnFinished | None = field(default=None)

    def add(self, event: TurnEvent) -> None:
        if isinstance(event, TextDelta):
            self.pieces += 1
            self.characters += len(event.text)
        elif isinstance(event, ToolCallDelta):
            self.pieces += 1
            self.characters += len(event.name) + len(event.arguments)
        elif isinstance(event, SpeechReady):
            self.audio_seconds += event.chunk.seconds
        elif isinstance(event, AnswerMatched):
            self.prepared_route = "faq"
        elif isinstance(event, FallbackGiven):
            self.prepared_route = FALLBACK_ROUTE
        elif isinstance(event, TurnStarted):
            self.started_route = event.route
        elif isinstance(event, TurnFinished):
            self.finished = event

    @property
    def route(self) -> str:
        """All FAQ answers share the route ``faq``."""
        if self.prepared_route:
            return self.prepared_route
        if self.finished is not None:
            return self.finished.route
        return self.started_route or (str(self.turn.route) if self.turn.route else _UNFINISHED)

    def used(self, estimate_cost: CostEstimate) -> UsageAmount:
        if self.finished is not None:
            usage = self.finished.usage
            return UsageAmount(1, usage.prompt_tokens, usage.completion_tokens, self.audio_seconds, usage.cost)
        if self.prepared_route or self.rejected:
            return UsageAmount(1, audio_seconds=self.audio_seconds)
        written = max(self.pieces, estimate_tokens(self.characters))
        read = estimate_prompt_tokens(self.turn)
        return UsageAmount(1, read, written, self.audio_seconds, estimate_cost(self.route, read, written))
