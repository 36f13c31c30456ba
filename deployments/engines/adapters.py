"""Abilities added around any engine: a second chance, a deadline, a decoder.

Each adapter is an engine of the same kind. Each closes the stream it reads when its own is closed.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TypeVar

from deployments.contracts.audio import PCM16_16K
from deployments.contracts.chat import ChatTurn
from deployments.contracts.engines import ChatEngine, ChatEvent, Recognizer
from deployments.contracts.errors import EngineTimeout, RateLimited, SecretaryError, Unavailable
from deployments.contracts.events import TextDelta
from deployments.contracts.speech import EngineStatus, RecognitionRequest, TranscriptEvent
from deployments.contracts.streams import Closing

T = TypeVar("T")


class FallbackChatEngine:
    """Chat engines in the order they are asked. The next one is asked only while no text has been delivered.

    Only Unavailable and RateLimited move on: a wrong request is wrong everywhere.
    """

    def __init__(self, *engines: ChatEngine) -> None:
        self._engines = engines

    async def start(self) -> None:
        """Starts all; raises the first failure only when none starts."""
        results = await asyncio.gather(*(engine.start() for engine in self._engines), return_exceptions=True)
        errors = [result for result in results if result is not None]
        fatal = next((error for error in errors if not isinstance(error, SecretaryError)), None)
        if fatal is not None:
            raise fatal
        if len(errors) == len(self._engines):
            raise errors[0]

    async def stop(self) -> None:
        for engine in self._engines:
            await engine.stop()

    def status(self) -> EngineStatus:
        """Of the first engine that is ready, else of the first."""
        states = [engine.status() for engine in self._engines]
        return next((state for state in states if state.ready), states[0])

    def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        """Raises what the first usable engine raises; Unavailable when none is usable."""
        opened, rest = self._open(turn, self._engines)
        return self._stream(turn, opened, rest)

    def _open(
        self, turn: ChatTurn, engines: tuple[ChatEngine, ...]
    ) -> tuple[AsyncIterator[ChatEvent], tuple[ChatEngine, ...]]:
        error: SecretaryError = Unavailable("no chat engine is configured")
        for index, engine in enumerate(engines):
            try:
                return engine.stream(turn), engines[index + 1 :]
            except (Unavailable, RateLimited) as failure:
                error = failure
        raise error

    async def _stream(
        self, turn: ChatTurn, events: AsyncIterator[ChatEvent], rest: tuple[ChatEngine, ...]
    ) -> AsyncIterator[ChatEvent]:
        delivered = False
        while True:
            try:
                async with Closing(events):
                    async for event in events:
                        delivered = delivered or isinstance(event, TextDelta)
                        yield event
                return
            except (Unavailable, RateLimited):
                if delivered or not rest:
                    raise
            events, rest = self._open(turn, rest)


class TimeoutChatEngine:
    """A chat engine that must not keep silent: EngineTimeout after too many seconds without an event.

    ``limits`` is asked at the start of each stream: the first event may take the first number of seconds, every later
    one the second.
    """

    def __init__(self, engine: ChatEngine, timeouts: Callable[[], tuple[float, float]]) -> None:
        self._engine = engine
        self._limits = timeouts

    async def start(self) -> None:
        await self._engine.start()

    async def stop(self) -> None:
        await self._engine.stop()

    def status(self) -> EngineStatus:
        return self._engine.status()

    def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        """Raises what the inner engine raises; EngineTimeout in the stream."""
        return with_timeouts(self._engine.stream(turn), *self._limits())


async def with_timeouts(
    events: AsyncIterator[T], first_event_timeout_s: float, idle_timeout_s: float
) -> AsyncIterator[T]:
    """``events`` with a deadline for each. Raises EngineTimeout, after closing ``events``."""
    allowed = first_event_timeout_s
    async with Closing(events):
        while True:
            try:
                async with asyncio.timeout(allowed):
                    event = await anext(events)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                raise EngineTimeout(f"the engine said nothing for {allowed:g} seconds") from error
            yield event
            allowed = idle_timeout_s


class DecodingRecognizer:
    """A recognizer that also takes container files (wav, mp3, ogg, webm ...): ``decode`` turns one into PCM16 16 kHz.

    ``decode`` blocks and runs on a thread. It takes the file and how many seconds it may last, and raises
    UnsupportedAudio for bytes that are no sound, TooLarge for more sound than that.
    """

    def __init__(self, recognizer: Recognizer, decode: Callable[[bytes, float], bytes]) -> None:
        self._recognizer = recognizer
        self._decode = decode

    async def start(self) -> None:
        await self._recognizer.start()

    async def stop(self) -> None:
        await self._recognizer.stop()

    def status(self) -> EngineStatus:
        return self._recognizer.status()

    def transcribe(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        """Raises what the recognizer raises; for a file these errors and those of ``decode`` come in the stream."""
        if request.format is not None:
            return self._recognizer.transcribe(request)
        return self._decoded(request)

    async def _decoded(self, request: RecognitionRequest) -> AsyncIterator[TranscriptEvent]:
        pcm = await asyncio.to_thread(self._decode, request.audio, request.max_seconds)
        events = self._recognizer.transcribe(replace(request, audio=pcm, format=PCM16_16K))
        async with Closing(events):
            async for event in events:
                yield event
