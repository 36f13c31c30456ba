"""Adapters add an ability to an engine: timeouts for a chat engine, file decoding for a recognizer.

An adapter implements the protocol of the engine that it wraps. It closes the inner stream when its own is closed.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Generic, TypeVar

from deployments.contracts.audio import PCM16_16K
from deployments.contracts.chat import ChatTurn
from deployments.contracts.engines import ChatEngine, ChatEvent, Engine, Recognizer
from deployments.contracts.errors import EngineTimeout
from deployments.contracts.memory_file import MemoryFileReference
from deployments.contracts.speech import EngineStatus, RecognitionRequest, TranscriptEvent, TranscriptSegment
from deployments.contracts.streams import Closing
from deployments.contracts.timeouts import RepeatedTimeout
from deployments.engines.joined_transcript import JoinedTranscript

T = TypeVar("T")
E = TypeVar("E", bound=Engine)


class EngineAdapter(Generic[E]):
    """Passes the life cycle on to the inner engine."""

    def __init__(self, engine: E) -> None:
        self._engine = engine

    async def start(self) -> None:
        await self._engine.start()

    async def stop(self) -> None:
        await self._engine.stop()

    def status(self) -> EngineStatus:
        return self._engine.status()


class TimeoutChatEngine(EngineAdapter[ChatEngine]):
    """A chat engine whose stream raises EngineTimeout when the next event takes too long.

    ``timeouts`` is called at the start of each stream. It returns the timeout of the first event and the timeout of
    every later event, in seconds.
    """

    def __init__(self, engine: ChatEngine, timeouts: Callable[[], tuple[float, float]]) -> None:
        super().__init__(engine)
        self._timeouts = timeouts

    def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        """Raises the errors of the inner engine; EngineTimeout in the stream."""
        return with_timeouts(self._engine.stream(turn), *self._timeouts())


async def with_timeouts(
    events: AsyncIterator[T], first_event_timeout_s: float, idle_timeout_s: float
) -> AsyncIterator[T]:
    """Yields ``events``. Closes ``events`` and raises EngineTimeout when the next one takes too long."""
    timeout_s, timeout = first_event_timeout_s, RepeatedTimeout()
    async with Closing(events):
        try:
            while True:
                try:
                    with timeout.within(timeout_s):
                        event = await anext(events)
                except StopAsyncIteration:
                    return
                except TimeoutError as error:
                    raise EngineTimeout(f"the engine sent nothing for {timeout_s:g} seconds") from error
                yield event
                timeout_s = idle_timeout_s
        finally:
            timeout.close()


class DecodingRecognizer(EngineAdapter[Recognizer]):
    """A recognizer that also accepts audio files (wav, mp3, ogg, webm and others).

    ``windows`` yields a file as windows of PCM16 mono at 16 kHz. Its arguments are the file and the longest accepted
    duration in seconds. Each window is transcribed by itself, in the language of the first one; the result is one
    transcript.
    """

    def __init__(
        self, recognizer: Recognizer, windows: Callable[[bytes | MemoryFileReference, float], AsyncIterator[bytes]]
    ) -> None:
        super().__init__(recognizer)
        self._windows = windows

    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        """Raises the errors of the recognizer; for a file, in the stream, also the errors of ``windows``."""
        if request.format is not None:
            return self._engine.transcribe(request)
        return self._transcribe_file(request)

    async def _transcribe_file(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        transcript = JoinedTranscript()
        async with Closing(self._windows(request.recording, request.max_seconds)) as windows:
            async for window in windows:
                language = request.language or (None if request.translate else transcript.language or None)
                part = replace(request, audio=window, file=None, format=PCM16_16K, language=language)
                async with Closing(self._engine.transcribe(part)) as events:
                    async for event in events:
                        if isinstance(event, TranscriptSegment):
                            yield transcript.shifted(event)
                        else:
                            transcript.add(event)
        if (finished := transcript.finished) is not None:
            yield finished
