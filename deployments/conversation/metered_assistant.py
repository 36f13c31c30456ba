"""An assistant whose work is counted: who used it, through which key, and how much."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field

from deployments.contracts.audio import SpeechChunk
from deployments.contracts.chat import ChatTurn, SourceKind
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import SecretaryError
from deployments.contracts.events import AnswerMatched, SpeechReady, TextDelta, TurnEvent, TurnFinished
from deployments.contracts.speech import (
    EngineStatus,
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
    estimate_tokens,
    is_rejection,
)
from deployments.conversation.usage_tracker import UsageAmount, UsageTracker

SPEECH_ROUTE, TRANSCRIPTION_ROUTE = "speech", "transcription"
_UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True)
class MeteredAssistant:
    """Implements ``Assistant`` over another one. ``source`` and ``key_id`` (0: none) say who uses it; a turn says its
    own source. ``counts_speech`` False leaves the counting of spoken requests, but not of their sound, to the caller.

    What a client cuts off is counted too, by an estimate and from the moment an engine was asked: the tokens of the
    question, the first sentence of a speech, the whole of a recording. A turn that is cut off while similar questions
    are still looked up counts as asked, because a model of this machine has begun by then. What an engine refused, and
    a prepared answer, cost no tokens and no sound.
    """

    assistant: Assistant
    usage: UsageTracker
    source: SourceKind
    key_id: int = 0
    counts_speech: bool = True

    def reply(self, turn: ChatTurn) -> AsyncIterator[TurnEvent]:
        return self._replied(self.assistant.reply(turn), turn)

    def speak(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        return self._spoken(self.assistant.speak(request), request)

    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        return self._transcribed(self.assistant.transcribe(request), request)

    def voices(self) -> tuple[Voice, ...]:
        return self.assistant.voices()

    async def status(self) -> tuple[EngineStatus, ...]:
        return await self.assistant.status()

    async def _replied(self, events: AsyncIterator[TurnEvent], turn: ChatTurn) -> AsyncGenerator[TurnEvent]:
        meter = _TurnMeter(turn)
        try:
            async with Closing(events) as opened:
                async for event in opened:
                    meter.take(event)
                    yield event
        except SecretaryError as error:
            meter.refused = is_rejection(error)
            raise
        finally:
            self._count(turn.source.kind, meter.route, meter.used())

    async def _spoken(self, chunks: AsyncIterator[SpeechChunk], request: SpeechRequest) -> AsyncGenerator[SpeechChunk]:
        seconds, unheard = 0.0, True
        try:
            async with Closing(chunks) as opened:
                async for chunk in opened:
                    seconds, unheard = seconds + chunk.seconds, False
                    yield chunk
            unheard = False
        except SecretaryError as error:
            unheard = unheard and not is_rejection(error)
            raise
        finally:
            seconds += estimate_first_piece_s(request) if unheard else 0.0
            self._count(self.source, SPEECH_ROUTE, UsageAmount(requests=int(self.counts_speech), audio_seconds=seconds))

    async def _transcribed(
        self, events: AsyncIterator[TranscriptEvent], request: RecognitionRequest
    ) -> AsyncGenerator[TranscriptEvent]:
        seconds, begun = request.format.seconds(len(request.audio)) if request.format else 0.0, False
        try:
            async with Closing(events) as opened:
                async for event in opened:
                    begun = True
                    seconds = max(seconds, event.end if isinstance(event, TranscriptSegment) else event.seconds)
                    yield event
        except SecretaryError as error:
            seconds = seconds if begun or not is_rejection(error) else 0.0
            raise
        finally:
            self._count(self.source, TRANSCRIPTION_ROUTE, UsageAmount(requests=1, audio_seconds=seconds))

    def _count(self, source: SourceKind, route: str, used: UsageAmount) -> None:
        self.usage.add(self.key_id, source.value, route, used)


@dataclass(slots=True)
class _TurnMeter:
    """Collects what one turn used."""

    turn: ChatTurn
    audio_seconds: float = 0.0
    pieces: int = 0
    characters: int = 0
    prepared: bool = False
    refused: bool = False
    finished: TurnFinished | None = field(default=None)

    def take(self, event: TurnEvent) -> None:
        if isinstance(event, TextDelta):
            self.pieces += 1
            self.characters += len(event.text)
        elif isinstance(event, SpeechReady):
            self.audio_seconds += event.chunk.seconds
        elif isinstance(event, AnswerMatched):
            self.prepared = True
        elif isinstance(event, TurnFinished):
            self.finished = event

    @property
    def route(self) -> str:
        """Who answered; all prepared answers are one route."""
        if self.prepared:
            return "faq"
        if self.finished is not None:
            return self.finished.route
        return str(self.turn.route) if self.turn.route else _UNFINISHED

    def used(self) -> UsageAmount:
        if self.finished is not None:
            usage = self.finished.usage
            return UsageAmount(1, usage.prompt_tokens, usage.completion_tokens, self.audio_seconds)
        if self.prepared or self.refused:
            return UsageAmount(1, audio_seconds=self.audio_seconds)
        written = max(self.pieces, estimate_tokens(self.characters))
        return UsageAmount(1, estimate_prompt_tokens(self.turn), written, self.audio_seconds)
