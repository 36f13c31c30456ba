"""Adds speech to a turn: text is split into sentences, each sentence comes from the phrase cache or a speech engine."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime

from deployments.contracts.audio import AudioFormat, SpeechChunk
from deployments.contracts.events import SpeechReady, TextDelta, ToolCallDelta, TurnEvent
from deployments.contracts.playout import Playout
from deployments.contracts.reports import TurnObserver
from deployments.contracts.settings import SpeechSettings
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.streams import Closing, iterate
from deployments.conversation.continued_speech import ContinuedSpeech, SpeechTimeouts
from deployments.conversation.phrase_cache import PhraseCache, PhraseKey
from deployments.conversation.ready.joined_speech import join_speech
from deployments.conversation.ready.ready_phrases import ReadyPhrases
from deployments.conversation.ready.time_templates import TimeTemplates, divide
from deployments.conversation.shared_phrase_cache import SharedPhraseCache
from deployments.conversation.spoken_forms import SpokenForms
from deployments.conversation.voice_catalogue import VoiceCatalogue
from deployments.conversation.voice_parameters import VoiceParameters
from deployments.text.sentences import SentenceStream
from deployments.text.speakable import to_speakable_text

_MAX_PIECES = 256
_MAX_EVENTS = 64
_PAUSE = "..."
"""Every speech engine renders this text as a short silence in the format of the voice."""


class Speaker:
    """Synthesises sentences with the engine that owns the voice, through ready phrases and the phrase caches."""

    def __init__(
        self,
        voices: VoiceCatalogue,
        cache: PhraseCache,
        observer: TurnObserver,
        shared_cache: SharedPhraseCache | None = None,
        ready: ReadyPhrases | None = None,
        settings: Callable[[], SpeechSettings] = SpeechSettings,
        timeouts: SpeechTimeouts | None = None,
    ) -> None:
        self._shared_cache = shared_cache
        self._voices = voices
        self._cache = cache
        self._observer = observer
        self._continued = ContinuedSpeech(voices, observer, settings, timeouts)
        self._ready = ready
        self._forms = SpokenForms()
        self._templates = TimeTemplates()

    def update_templates(self, snapshot: Snapshot, now: datetime) -> None:
        """``now`` is UTC."""
        if self._ready is not None:
            self._templates.update(snapshot.faq, snapshot.settings.time_zone, now)

    async def phrase_key(self, piece: str, parameters: VoiceParameters) -> PhraseKey | None:
        """The key of the audio of one sentence. None for a sentence without speakable text, such as an emoji."""
        text = await self._forms.of(piece, parameters)
        return _phrase_key(text, parameters) if text else None

    async def synthesize(
        self, piece: str, parameters: VoiceParameters, listener: Playout
    ) -> AsyncGenerator[SpeechChunk]:
        """Audio of one sentence, which is counted in ``listener``. Yields nothing for a sentence without speakable
        text, such as an emoji. Raises VoiceConsentMissing, also when the consent was revoked since the last
        sentence."""
        voice = parameters.voice
        self._voices.require_consent(voice)
        async with Closing(self._sentence(piece, parameters, listener)) as chunks:
            async for chunk in chunks:
                says_it = voice.cloned and chunk.text and not chunk.substitute
                yield replace(chunk, cloned_voice=voice.id) if says_it else chunk

    async def _sentence(
        self, piece: str, parameters: VoiceParameters, listener: Playout
    ) -> AsyncGenerator[SpeechChunk]:
        key = await self.phrase_key(piece, parameters)
        if key is None:
            return
        cached = await self._cached(key, parameters.line_format)
        if cached is None and (joined := await self._joined(piece, key.text, parameters, listener)):
            stream = joined
        else:
            self._observer.on_phrase_cache(cached is not None)
            stream = iterate(cached) if cached is not None else self._synthesize_phrase(key, parameters, listener)
        async with Closing(stream) as chunks:
            async for chunk in chunks:
                listener.add(chunk.seconds)
                yield chunk

    async def _synthesize_phrase(
        self, key: PhraseKey, parameters: VoiceParameters, listener: Playout
    ) -> AsyncGenerator[SpeechChunk]:
        """Audio from the engine, which is cached."""
        spoken: list[SpeechChunk] = []
        epoch = self._cache.epoch
        async with Closing(self._continued.speak(key.text, parameters, listener)) as chunks:
            async for chunk in chunks:
                spoken.append(replace(chunk, spoken=None))
                yield spoken[-1]
        if any(chunk.substitute or chunk.resumed for chunk in spoken):
            return
        self._voices.require_consent(parameters.voice)  # of a voice that was revoked meanwhile nothing is kept
        self._cache.put(key, tuple(spoken), epoch)
        if self._shared_cache is not None and self._cache.max_bytes:
            await self._shared_cache.put(key, tuple(spoken), epoch)

    async def forget(self, voice_ids: Collection[str]) -> None:
        """Removes the phrases of these voices from the caches."""
        self._cache.forget(voice_ids)
        if self._shared_cache is not None:
            for voice_id in voice_ids:
                await self._shared_cache.forget(voice_id)

    async def _cached(self, key: PhraseKey, line_format: AudioFormat | None) -> tuple[SpeechChunk, ...] | None:
        """The phrase if it is ready, else from the cache of this process, else from the shared cache."""
        if self._ready is not None and (ready := await self._ready.get(key, line_format)):
            return ready
        known = self._cache.get(key)
        if known is None and self._shared_cache is not None and self._cache.max_bytes:
            epoch = self._cache.epoch
            known = await self._shared_cache.get(key, epoch)
            if known is not None:
                self._cache.put(key, known, epoch)
        return known

    async def _joined(
        self, piece: str, text: str, parameters: VoiceParameters, listener: Playout
    ) -> AsyncGenerator[SpeechChunk] | None:
        """A sentence that says the time, if its constant parts are ready; ``text`` is its spoken form."""
        if self._ready is None or not (constants := self._templates.constants(piece)):
            return None
        forms: list[str] = []
        sounds: dict[str, tuple[SpeechChunk, ...]] = {}
        for constant in constants:
            key = await self.phrase_key(constant, parameters)
            if key is None or not (sound := await self._ready.get(key)):
                return None
            forms.append(key.text)
            sounds[key.text] = sound
        if not (parts := divide(text, forms)):
            return None
        self._observer.on_phrase_cache(True)
        streams = [
            iterate(sounds[part.text]) if part.constant else self._phrase(part.text, parameters, listener)
            for part in parts
        ]
        return join_speech(streams, piece)

    async def _phrase(self, text: str, parameters: VoiceParameters, listener: Playout) -> AsyncGenerator[SpeechChunk]:
        """Audio of a spoken form, in the format of the voice."""
        key = _phrase_key(text, parameters)
        cached = await self._cached(key, None)
        stream = iterate(cached) if cached is not None else self._synthesize_phrase(key, parameters, listener)
        async with Closing(stream) as chunks:
            async for chunk in chunks:
                yield chunk

    async def synthesize_all(
        self, pieces: Sequence[str], parameters: VoiceParameters, due_in: float | None = None, caller: str = ""
    ) -> AsyncGenerator[SpeechChunk]:
        """Audio of all sentences with consecutive sequence numbers. A short silence when none is speakable.

        ``due_in`` and ``caller`` are those of ``SpeechRequest``; after the first sentence, the listener has the sound
        that was delivered.
        """
        sequence, listener = 0, Playout(due_in, caller)
        for piece in pieces:
            async with Closing(self.synthesize(piece, parameters, listener)) as chunks:
                async for chunk in chunks:
                    yield replace(chunk, sequence=sequence)
                    sequence += 1
        if sequence == 0 and not await asyncio.to_thread(_has_speech, pieces, parameters.language):
            async with Closing(self._continued.speak(_PAUSE, parameters, listener)) as chunks:
                async for chunk in chunks:
                    yield chunk


def _phrase_key(text: str, parameters: VoiceParameters) -> PhraseKey:
    voice = parameters.voice
    return PhraseKey(voice.id, voice.model_id, parameters.language, parameters.speed, text, parameters.preset)


def _has_speech(pieces: Sequence[str], language: str) -> bool:
    return any(to_speakable_text(piece, language) for piece in pieces)


class SpokenTurn:
    """Adds SpeechReady events to a stream of turn events. Text events pass through at once.

    From the first tool call on nothing more is spoken: the caller continues the turn with the results.

    ``choose_parameters`` selects voice and language from the first sentence of the answer. The stream ends after the
    last audio chunk.
    """

    def __init__(self, speaker: Speaker, choose_parameters: Callable[[str], VoiceParameters], caller: str = "") -> None:
        self._caller = caller
        self._speaker = speaker
        self._choose_parameters = choose_parameters
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue(_MAX_PIECES)
        self._output: asyncio.Queue[TurnEvent | Exception | None] = asyncio.Queue(_MAX_EVENTS)

    async def run(self, events: AsyncIterator[TurnEvent]) -> AsyncGenerator[TurnEvent]:
        tasks = [
            asyncio.create_task(self._run_task(self._read(events))),
            asyncio.create_task(self._run_task(self._speak())),
        ]
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

    async def _run_task(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await self._output.put(error)
        else:
            await self._output.put(None)

    async def _read(self, events: AsyncIterator[TurnEvent]) -> None:
        sentences, calls_tools = SentenceStream(), False
        async with Closing(events) as opened:
            async for event in opened:
                await self._output.put(event)
                calls_tools = calls_tools or isinstance(event, ToolCallDelta)
                if isinstance(event, TextDelta) and not calls_tools:
                    await self._queue(sentences.feed(event.text))
        if not calls_tools:
            await self._queue(sentences.finish())
        await self._pieces.put(None)

    async def _queue(self, pieces: list[str]) -> None:
        for piece in pieces:
            await self._pieces.put(piece)

    async def _speak(self) -> None:
        parameters: VoiceParameters | None = None
        sequence, listener = 0, Playout(caller=self._caller)
        while (piece := await self._pieces.get()) is not None:
            parameters = parameters or self._choose_parameters(piece)
            async with Closing(self._speaker.synthesize(piece, parameters, listener)) as chunks:
                async for chunk in chunks:
                    numbered = replace(chunk, sequence=sequence)
                    await self._output.put(SpeechReady(numbered, parameters.voice.id))
                    sequence += 1
