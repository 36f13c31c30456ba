"""The protocols of engines and of the assistant.

Methods that return a stream validate their arguments before they return. A stream that is closed early (``aclose`` or
cancellation) stops the work behind it within a second.
"""

from collections.abc import AsyncIterator
from typing import Protocol, runtime_checkable

from deployments.contracts.audio import SpeechChunk
from deployments.contracts.chat import ChatTurn, EmbeddingVectors
from deployments.contracts.events import AnswerMatch, TextDelta, ToolCallDelta, TurnEvent, TurnFinished
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

ChatEvent = TextDelta | ToolCallDelta | TurnFinished


class Engine(Protocol):
    """The life cycle of every engine. The constructor only stores, ``start`` loads the model, ``stop`` frees it."""

    async def start(self) -> None:
        """Loads the model. Raises ModelMissing when its weights are not on disk."""
        ...

    async def stop(self) -> None: ...

    def status(self) -> EngineStatus: ...


class ChatEngine(Engine, Protocol):
    def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        """Yields text deltas and tool call deltas, then exactly one TurnFinished with usage and finish reason.

        Raises InvalidRequest before it returns for tools, images, options or an ``answer_prefix`` that the engine
        cannot use.
        """
        ...


@runtime_checkable
class Embedder(Protocol):
    """A chat engine that also computes embeddings."""

    async def embed(self, texts: tuple[str, ...], caller: str = "", max_tokens: int | None = None) -> EmbeddingVectors:
        """One vector per text. Calls of different callers take turns; a cancelled call stops its work in a second.

        Raises TextTooLong when all texts together have more than ``max_tokens`` tokens of the model.
        """
        ...


@runtime_checkable
class Sleeper(Protocol):
    """An engine that can lend its card to other work without being unloaded.

    While it sleeps, its status is not ready with the error "asleep". The first request wakes it. ``sleep`` waits for
    no request in progress: callers drain the engine first. Both methods are idempotent.
    """

    @property
    def asleep(self) -> bool: ...

    async def sleep(self) -> None: ...

    async def wake(self) -> None: ...


class SpeechEngine(Engine, Protocol):
    def voices(self) -> tuple[Voice, ...]: ...

    def synthesize(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        """Yields chunks of 100-500 ms at the sample rate of the voice.

        Raises VoiceNotFound and LanguageNotSupported before it returns. The stream raises NoSound when non-empty text
        produces no audio.
        """
        ...


@runtime_checkable
class RemoteVoices(Protocol):
    """Speech engines in another process, which may be loading or coming back."""

    @property
    def lost(self) -> bool:
        """Whether a replica died and none has answered since."""
        ...

    def recall_voice(self, voice_id: str) -> Voice | None:
        """A voice that was listed earlier. None if this process never saw it."""
        ...

    def check_voices_loaded(self) -> None:
        """Raises Unavailable while voices may be missing because their engine is being loaded."""
        ...


class Recognizer(Engine, Protocol):
    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        """Yields segments as they are recognised, then exactly one TranscriptFinished. ``request.format`` is PCM16."""
        ...


class WordStream(Protocol):
    """The words of one live session while they are spoken. Its methods are called one after the other."""

    @property
    def unknown_words(self) -> tuple[str, ...]:
        """Words of the grammar or hot words that are not in the vocabulary."""
        ...

    async def feed(self, pcm: bytes) -> str:
        """The words of the current utterance so far. ``pcm`` is PCM16 mono at 16 kHz."""
        ...

    async def finish(self) -> TranscriptSegment:
        """Ends the utterance. Times are seconds from its first sample."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class StreamingRecognizer(Protocol):
    """A recognizer that gives words while they are spoken."""

    async def open_words(
        self, language: str | None, grammar: tuple[str, ...] = (), hot_words: tuple[str, ...] = ()
    ) -> WordStream:
        """Raises LanguageNotSupported, Overloaded, EngineFailed."""
        ...

    def language_of(self, language: str | None) -> str:
        """The language in which ``language`` is heard. Raises LanguageNotSupported."""
        ...


@runtime_checkable
class LiveRecognizer(Protocol):
    """Recognises speech while it is spoken."""

    def listen(self, request: ListenRequest, audio: AsyncIterator[bytes]) -> AsyncIterator[HearingEvent]:
        """Yields ListeningStarted, the events of each utterance and, when ``audio`` ends, ListeningFinished. A
        SecretaryError ends the session. Closes ``audio``."""
        ...


class AnswerBook(Protocol):
    async def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        """The FAQ answer to ``text``, or None. ``locale`` decides between equally good matches."""
        ...


class Assistant(Protocol):
    """What doors, bots and the panel call: turns, speech and transcripts."""

    def reply(self, turn: ChatTurn) -> AsyncIterator[TurnEvent]: ...

    def speak(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]: ...

    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]: ...

    def listen(self, request: ListenRequest, audio: AsyncIterator[bytes]) -> AsyncIterator[HearingEvent]:
        """See ``LiveRecognizer``. Raises Unavailable when the graph has no speech recognition."""
        ...

    def voices(self) -> tuple[Voice, ...]: ...

    def find_voice(self, voice_id: str | None) -> Voice | None:
        """The voice with this id; None for no id and OpenAI's voice names. Raises VoiceNotFound, and Unavailable while
        the voice may belong to an engine that is being loaded."""
        ...

    async def status(self) -> tuple[EngineStatus, ...]: ...
