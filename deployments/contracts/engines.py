"""What an engine is: one verb each, plus ``start``, ``stop`` and a status.

Validation happens in the plain method, before the returned stream is iterated. A stream that is closed early
(``aclose``, cancellation) stops the work behind it within a second.
"""

from collections.abc import AsyncIterator
from typing import Protocol, runtime_checkable

from deployments.contracts.audio import SpeechChunk
from deployments.contracts.chat import ChatTurn, EmbeddingVectors
from deployments.contracts.events import AnswerMatch, TextDelta, TurnEvent, TurnFinished
from deployments.contracts.speech import (
    EngineStatus,
    RecognitionRequest,
    SpeechRequest,
    TranscriptEvent,
    Voice,
)

ChatEvent = TextDelta | TurnFinished


class Engine(Protocol):
    """Life cycle that every engine shares. Constructors only store; ``start`` loads, ``stop`` frees."""

    async def start(self) -> None:
        """Loads the model. Raises ModelMissing when weights are not on disk."""
        ...

    async def stop(self) -> None: ...

    def status(self) -> EngineStatus: ...


class ChatEngine(Engine, Protocol):
    def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        """Text deltas, then exactly one TurnFinished with usage and finish_reason."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """A chat engine that can also turn text into vectors."""

    async def embed(self, texts: tuple[str, ...]) -> EmbeddingVectors: ...


class SpeechEngine(Engine, Protocol):
    def voices(self) -> tuple[Voice, ...]: ...

    def synthesize(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        """Blocks of 100-500 ms in the voice's own rate. Raises VoiceNotFound, LanguageNotSupported before the stream;
        non-empty text without any audio raises EngineFailed."""
        ...


class Recognizer(Engine, Protocol):
    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        """Segments as they are understood, then exactly one TranscriptFinished. ``request.format`` must be PCM16."""
        ...


class AnswerBook(Protocol):
    async def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        """The prepared answer to ``text``, or None. ``locale`` breaks ties between languages."""
        ...


class Assistant(Protocol):
    """The facade that doors, bots and the panel use."""

    def reply(self, turn: ChatTurn) -> AsyncIterator[TurnEvent]: ...

    def speak(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]: ...

    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]: ...

    def voices(self) -> tuple[Voice, ...]: ...

    async def status(self) -> tuple[EngineStatus, ...]: ...
