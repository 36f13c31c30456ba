"""espeak-ng: a small formant voice for more than a hundred languages, in milliseconds, without any model file.

Robotic, but it always answers: the voice of languages that no neural voice covers. Sound is made hundreds of times
faster than it is heard, so a speech is never held back by its listener and one thread serves everybody.
"""

from collections.abc import AsyncIterator
from typing import ClassVar

from pydantic import Field

from deployments.contracts.audio import AudioFormat, SpeechChunk
from deployments.contracts.speech import EngineStatus, SpeechRequest, Voice
from deployments.engines.languages import primary_tag
from deployments.engines.options import EngineHealth, EngineOptions
from deployments.engines.speech.espeak_library import EspeakLibrary, EspeakVoice, open_library
from deployments.engines.speech.speech_chunks import PcmGenerator, to_speech_chunks
from deployments.engines.speech.voice_selection import choose_voice
from deployments.engines.worker_threads import StreamSender, WorkerThreads

_SLOWEST, _FASTEST = 80, 450  # words per minute; espeak-ng refuses to go beyond (espeakRATE)
_BCP47 = {"cmn": "zh", "nb": "no"}
_PREFERRED = ("en-us", "en-gb", "es", "pt-br", "fr-fr")  # tags that stand for their language when several do


class EspeakOptions(EngineOptions):
    languages: tuple[str, ...] = Field(default=(), description="Only these primary tags; empty means all")
    words_per_minute: int = Field(default=165, ge=_SLOWEST, le=_FASTEST, description="Speaking rate at speed 1")
    volume: int = Field(default=100, ge=0, le=200, description="Loudness, per cent")


class EspeakEngine:
    """SpeechEngine; voice ids are ``espeak-<tag>``. Speeds are clamped to 80..450 words per minute."""

    Options: ClassVar[type[EngineOptions]] = EspeakOptions

    def __init__(self, options: EspeakOptions) -> None:
        self._options = options
        self._health = EngineHealth("speech", "espeak", options.model_id or "espeak-ng")
        self._tags: dict[str, EspeakVoice] = {}
        self._voices: tuple[Voice, ...] = ()
        self._library: EspeakLibrary | None = None
        self._workers: WorkerThreads | None = None

    async def start(self) -> None:
        """Raises EngineFailed when the library does not load."""
        if self._health.ready:
            return
        async with self._health.track_start():
            self._workers = WorkerThreads("espeak", 1)
            self._library = await self._workers.call(open_library)
            found = sorted(await self._workers.call(self._library.voices), key=_preference)
            self._tags = {f"espeak-{voice.tag}": voice for voice in found if self._wanted(voice)}
            rate = self._library.rate
            self._voices = tuple(_voice(voice_id, voice, rate) for voice_id, voice in self._tags.items())

    async def stop(self) -> None:
        """Ends live speeches; the library itself stays loaded, because it is shared by the process."""
        self._health.mark_stopped()
        workers, self._workers = self._workers, None
        if workers is not None:
            await workers.stop()

    def status(self) -> EngineStatus:
        return self._health.status(self._workers.live_streams if self._workers else 0, voices=str(len(self._voices)))

    def voices(self) -> tuple[Voice, ...]:
        return self._voices

    def synthesize(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        """Raises VoiceNotFound, LanguageNotSupported, InvalidRequest, Unavailable; EngineFailed in the stream."""
        self._health.require_ready()
        voice = choose_voice(self._voices, request)
        return to_speech_chunks(request.text, AudioFormat(voice.rate), lambda: self._pcm(request, self._tags[voice.id]))

    async def _pcm(self, request: SpeechRequest, voice: EspeakVoice) -> PcmGenerator:
        self._health.require_ready()
        assert self._workers is not None
        sound: PcmGenerator = self._workers.stream_from_callback(
            lambda outlet: self._speak(request, voice, outlet), limit=None
        )
        try:
            async for pcm in sound:
                yield pcm
        finally:
            await sound.aclose()

    def _speak(self, request: SpeechRequest, voice: EspeakVoice, outlet: StreamSender[bytes]) -> None:
        assert self._library is not None
        wanted = round(self._options.words_per_minute * request.speed)
        words_per_minute = min(max(wanted, _SLOWEST), _FASTEST)
        self._library.speak(request.text, voice, words_per_minute, self._options.volume, outlet.put)

    def _wanted(self, voice: EspeakVoice) -> bool:
        return not self._options.languages or _language(voice.tag) in self._options.languages


def _voice(voice_id: str, voice: EspeakVoice, rate: int) -> Voice:
    return Voice(voice_id, voice.name, "espeak", (_language(voice.tag),), rate, neural=False, model_id="espeak-ng")


def _language(tag: str) -> str:
    primary = primary_tag(tag)
    return _BCP47.get(primary, primary)


def _preference(voice: EspeakVoice) -> tuple[int, int]:
    """Standard variants first: they are what a bare language means."""
    standard = _PREFERRED.index(voice.tag) if voice.tag in _PREFERRED else len(_PREFERRED)
    return standard, voice.tag.count("-")
