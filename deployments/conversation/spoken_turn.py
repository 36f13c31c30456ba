"""From text to sound: pieces are spoken in order, known phrases come from memory, synthesis runs ahead of playing."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass

from deployments.contracts.audio import SpeechChunk
from deployments.contracts.events import SpeechReady, TextDelta, TurnEvent
from deployments.contracts.reports import TurnObserver
from deployments.contracts.speech import SpeechRequest, Voice
from deployments.contracts.streams import Closing
from deployments.conversation.observers import observe_stream
from deployments.conversation.phrase_cache import PhraseCache, PhraseKey
from deployments.conversation.shared_phrase_cache import SharedPhraseCache
from deployments.conversation.voice_catalogue import VoiceCatalogue
from deployments.text.sentences import SentenceStream
from deployments.text.speakable import to_speakable_text

_PIECES_WAITING = 256
_EVENTS_WAITING = 64
_PAUSE = "..."
"""What every engine says as a short silence, in the format of the voice."""


@dataclass(frozen=True, slots=True)
class VoiceParameters:
    """How a text is to be spoken."""

    voice: Voice
    language: str
    speed: float = 1.0


class Speaker:
    """Says pieces of text with the engine that owns the voice."""

    def __init__(
        self,
        voices: VoiceCatalogue,
        cache: PhraseCache,
        observer: TurnObserver,
        shared_cache: SharedPhraseCache | None = None,
    ) -> None:
        self._shelf = shared_cache
        self._voices = voices
        self._cache = cache
        self._observer = observer

    async def synthesize(self, piece: str, parameters: VoiceParameters) -> AsyncGenerator[SpeechChunk]:
        """Sound of one piece; nothing for a piece that has no speakable text (an emoji, a rule of dashes)."""
        text = to_speakable_text(piece, parameters.language)
        if not text:
            return
        voice = parameters.voice
        key = PhraseKey(voice.id, voice.model_id, parameters.language, parameters.speed, text)
        known = await self._known(key)
        self._observer.phrase_cache(known is not None)
        if known is not None:
            for chunk in known:
                yield chunk
            return
        spoken: list[SpeechChunk] = []
        epoch = self._cache.epoch
        async with Closing(self._synthesize(text, parameters)) as chunks:
            async for chunk in chunks:
                spoken.append(chunk)
                yield chunk
        self._cache.put(key, tuple(spoken), epoch)
        if self._shelf is not None and self._cache.max_bytes:
            await self._shelf.put(key, tuple(spoken), epoch)

    async def _known(self, key: PhraseKey) -> tuple[SpeechChunk, ...] | None:
        """The phrase as this process or another one of ours has spoken it before."""
        known = self._cache.get(key)
        if known is None and self._shelf is not None and self._cache.max_bytes:
            epoch = self._cache.epoch
            known = await self._shelf.get(key, epoch)
            if known is not None:
                self._cache.put(key, known, epoch)
        return known

    async def synthesize_all(self, pieces: Sequence[str], parameters: VoiceParameters) -> AsyncGenerator[SpeechChunk]:
        """Sound of all pieces, chunks numbered through; a short silence when none of them can be said."""
        sequence = 0
        for piece in pieces:
            async with Closing(self.synthesize(piece, parameters)) as chunks:
                async for chunk in chunks:
                    yield SpeechChunk(chunk.audio, chunk.format, chunk.text, sequence)
                    sequence += 1
        if sequence == 0 and not any(to_speakable_text(piece, parameters.language) for piece in pieces):
            async with Closing(self._synthesize(_PAUSE, parameters)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def _synthesize(self, text: str, manner: VoiceParameters) -> AsyncGenerator[SpeechChunk]:
        engine = self._voices.engine_of(manner.voice)
        stream = engine.synthesize(SpeechRequest(text, manner.voice.id, manner.language, manner.speed))
        async with Closing(observe_stream(stream, "tts", self._observer)) as chunks:
            async for chunk in chunks:
                self._observer.audio(chunk.seconds, manner.voice.engine)
                yield chunk


class SpokenTurn:
    """Adds speech to a stream of turn events: text goes on at once, speech joins as soon as it is synthesised.

    ``manner_for`` decides voice and language from the first piece of the answer, so that the voice follows the
    language of the answer. What ends the text (its last event) is passed on after the last sound.
    """

    def __init__(self, speaker: Speaker, choose_parameters: Callable[[str], VoiceParameters]) -> None:
        self._speaker = speaker
        self._manner_for = choose_parameters
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue(_PIECES_WAITING)
        self._output: asyncio.Queue[TurnEvent | Exception | None] = asyncio.Queue(_EVENTS_WAITING)

    async def run(self, events: AsyncIterator[TurnEvent]) -> AsyncGenerator[TurnEvent]:
        tasks = [asyncio.create_task(self._guard(self._read(events))), asyncio.create_task(self._guard(self._talk()))]
        try:
            ended = 0
            while ended < len(tasks):
                item = await self._output.get()
                if item is None:
                    ended += 1
                elif isinstance(item, Exception):
                    raise item
                else:
                    yield item
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _guard(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await self._output.put(error)
        else:
            await self._output.put(None)

    async def _read(self, events: AsyncIterator[TurnEvent]) -> None:
        sentences = SentenceStream()
        async with Closing(events) as opened:
            async for event in opened:
                await self._output.put(event)
                if isinstance(event, TextDelta):
                    await self._queue(sentences.feed(event.text))
        await self._queue(sentences.finish())
        await self._pieces.put(None)

    async def _queue(self, pieces: list[str]) -> None:
        for piece in pieces:
            await self._pieces.put(piece)

    async def _talk(self) -> None:
        manner: VoiceParameters | None = None
        sequence = 0
        while (piece := await self._pieces.get()) is not None:
            manner = manner or self._manner_for(piece)
            async with Closing(self._speaker.synthesize(piece, manner)) as chunks:
                async for chunk in chunks:
                    numbered = SpeechChunk(chunk.audio, chunk.format, chunk.text, sequence)
                    await self._output.put(SpeechReady(numbered, manner.voice.id))
                    sequence += 1
