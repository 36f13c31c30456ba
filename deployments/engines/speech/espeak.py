"""espeak-ng: formant synthesis for more than a hundred languages without a model file.

It is the voice of languages that no neural voice covers. The library runs in a worker process, see ``espeak_worker``.
Synthesis is hundreds of times faster than playback, so one worker serves all streams and the output is buffered without
a limit.
"""

from collections.abc import AsyncIterator
from typing import ClassVar

from pydantic import Field

from deployments.contracts.audio import AudioFormat, SpeechChunk
from deployments.contracts.playout import Playout
from deployments.contracts.speech import EngineStatus, SpeechRequest, Voice
from deployments.contracts.streams import Closing, ReadAhead
from deployments.engines.base import AsyncEngine
from deployments.engines.languages import primary_tag
from deployments.engines.options import EngineOptions
from deployments.engines.speech.espeak_library import EspeakVoice
from deployments.engines.speech.espeak_worker import SYNTHESIS
from deployments.engines.speech.speech_chunks import PcmStream, SpokenPcm, to_speech_chunks
from deployments.engines.speech.speech_workers import SpeechWorkers
from deployments.engines.speech.voice_selection import choose_voice
from deployments.isolation.frames import Header

_SLOWEST, _FASTEST = 80, 450  # words per minute; espeak-ng refuses to go beyond (espeakRATE)
_BCP47 = {"cmn": "zh", "nb": "no"}
_PREFERRED = ("en-us", "en-gb", "es", "pt-br", "fr-fr")  # default variants of languages with several tags


class EspeakOptions(EngineOptions):
    languages: tuple[str, ...] = Field(default=(), description="Only these primary tags; empty means all")
    words_per_minute: int = Field(default=165, ge=_SLOWEST, le=_FASTEST, description="Speaking rate at speed 1")
    volume: int = Field(default=100, ge=0, le=200, description="Loudness, per cent")


class EspeakEngine(AsyncEngine):
    """SpeechEngine. Voice ids are ``espeak-<tag>``. The speaking rate is clamped to 80..450 words per minute."""

    Options: ClassVar[type[EngineOptions]] = EspeakOptions

    def __init__(self, options: EspeakOptions) -> None:
        self._options = options
        self._espeak_voices: dict[str, EspeakVoice] = {}
        self._voices: tuple[Voice, ...] = ()
        self._workers = SpeechWorkers("espeak-ng", SYNTHESIS)
        super().__init__("speech", "espeak", options.model_id or "espeak-ng")

    async def start(self) -> None:
        """Starts the workers and lists the voices. Raises EngineFailed."""
        if self._health.ready:
            return
        async with self._health.track_start():
            await self._workers.start()
            await self._list_voices()

    async def stop(self) -> None:
        """Ends live streams with Unavailable."""
        await super().stop()
        await self._workers.stop()

    def status(self) -> EngineStatus:
        return self._health.status(self._workers.live_calls, voices=str(len(self._voices)))

    def voices(self) -> tuple[Voice, ...]:
        return self._voices

    def synthesize(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        """Raises VoiceNotFound, LanguageNotSupported, InvalidRequest, Unavailable; EngineFailed in the stream."""
        self._health.require_ready()
        voice = choose_voice(self._voices, request)
        espeak_voice = self._espeak_voices[voice.id]
        return to_speech_chunks(request.text, AudioFormat(voice.rate), lambda: self._pcm(request, espeak_voice))

    async def _list_voices(self) -> None:
        found = [header for header, _ in await self._workers.call({"do": "voices"})]
        rates = {int(str(header["rate"])) for header in found}
        known = (EspeakVoice(str(h["tag"]), str(h["name"]), str(h["identifier"])) for h in found)
        voices = sorted(filter(self._is_enabled, known), key=_preference)
        self._espeak_voices = {f"espeak-{voice.tag}": voice for voice in voices}
        self._voices = tuple(
            _voice(voice_id, voice, rate) for rate in rates for voice_id, voice in self._espeak_voices.items()
        )

    def _pcm(self, request: SpeechRequest, voice: EspeakVoice) -> PcmStream:
        return ReadAhead(self._speak(request, voice), depth=0)

    async def _speak(self, request: SpeechRequest, voice: EspeakVoice) -> AsyncIterator[SpokenPcm]:
        rate = round(self._options.words_per_minute * request.speed)
        header: Header = {
            "do": "speak",
            "tag": voice.tag,
            "identifier": voice.identifier,
            "words_per_minute": min(max(rate, _SLOWEST), _FASTEST),
            "volume": self._options.volume,
        }
        listener = Playout(request.due_in, request.caller)
        async with Closing(self._workers.speak(request.text, header, listener)) as items:
            async for item, pcm in items:
                yield SpokenPcm(pcm, float(str(item["spoken"])))

    def _is_enabled(self, voice: EspeakVoice) -> bool:
        return not self._options.languages or _language(voice.tag) in self._options.languages


def _voice(voice_id: str, voice: EspeakVoice, rate: int) -> Voice:
    return Voice(voice_id, voice.name, "espeak", (_language(voice.tag),), rate, neural=False, model_id="espeak-ng")


def _language(tag: str) -> str:
    primary = primary_tag(tag)
    return _BCP47.get(primary, primary)


def _preference(voice: EspeakVoice) -> tuple[int, int]:
    """Sort key: the default variant of a language first, then tags without a region."""
    standard = _PREFERRED.index(voice.tag) if voice.tag in _PREFERRED else len(_PREFERRED)
    return standard, voice.tag.count("-")
