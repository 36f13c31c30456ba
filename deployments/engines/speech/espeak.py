"""espeak-ng: formant synthesis for more than a hundred languages without a model file.

It is the voice of languages that no neural voice covers. Synthesis runs hundreds of times faster than playback, so one
thread serves all streams and the output is buffered without a limit.
"""

from collections.abc import AsyncIterator
from typing import ClassVar

from pydantic import Field

from deployments.contracts.audio import AudioFormat, SpeechChunk
from deployments.contracts.speech import SpeechRequest, Voice
from deployments.engines.base import ThreadedEngine
from deployments.engines.languages import primary_tag
from deployments.engines.options import EngineOptions
from deployments.engines.speech.espeak_library import EspeakLibrary, EspeakVoice, open_library
from deployments.engines.speech.speech_chunks import PcmGenerator, to_speech_chunks
from deployments.engines.speech.voice_selection import choose_voice
from deployments.engines.worker_threads import StreamSender

_SLOWEST, _FASTEST = 80, 450  # words per minute; espeak-ng refuses to go beyond (espeakRATE)
_BCP47 = {"cmn": "zh", "nb": "no"}
_PREFERRED = ("en-us", "en-gb", "es", "pt-br", "fr-fr")  # default variants of languages with several tags


class EspeakOptions(EngineOptions):
    languages: tuple[str, ...] = Field(default=(), description="Only these primary tags; empty means all")
    words_per_minute: int = Field(default=165, ge=_SLOWEST, le=_FASTEST, description="Speaking rate at speed 1")
    volume: int = Field(default=100, ge=0, le=200, description="Loudness, per cent")


class EspeakEngine(ThreadedEngine):
    """SpeechEngine. Voice ids are ``espeak-<tag>``. The speaking rate is clamped to 80..450 words per minute."""

    Options: ClassVar[type[EngineOptions]] = EspeakOptions

    def __init__(self, options: EspeakOptions) -> None:
        self._options = options
        self._espeak_voices: dict[str, EspeakVoice] = {}
        self._voices: tuple[Voice, ...] = ()
        self._library: EspeakLibrary | None = None
        super().__init__("speech", "espeak", options.model_id or "espeak-ng", 1)

    def voices(self) -> tuple[Voice, ...]:
        return self._voices

    def synthesize(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        """Raises VoiceNotFound, LanguageNotSupported, InvalidRequest, Unavailable; EngineFailed in the stream."""
        self._health.require_ready()
        voice = choose_voice(self._voices, request)
        espeak_voice = self._espeak_voices[voice.id]
        return to_speech_chunks(request.text, AudioFormat(voice.rate), lambda: self._pcm(request, espeak_voice))

    def _load(self) -> None:
        """Opens the library and lists its voices. The library stays loaded after ``stop``: the process shares it."""
        library = self._library = open_library()
        voices = sorted(filter(self._is_enabled, library.voices()), key=_preference)
        self._espeak_voices = {f"espeak-{voice.tag}": voice for voice in voices}
        self._voices = tuple(_voice(voice_id, voice, library.rate) for voice_id, voice in self._espeak_voices.items())

    def _status_detail(self) -> dict[str, str]:
        return {"voices": str(len(self._voices))}

    def _pcm(self, request: SpeechRequest, voice: EspeakVoice) -> PcmGenerator:
        return self._ready_threads().stream_from_callback(
            lambda sender: self._speak(request, voice, sender), limit=None
        )

    def _speak(self, request: SpeechRequest, voice: EspeakVoice, sender: StreamSender[bytes]) -> None:
        assert self._library is not None
        rate = round(self._options.words_per_minute * request.speed)
        words_per_minute = min(max(rate, _SLOWEST), _FASTEST)
        self._library.speak(request.text, voice, words_per_minute, self._options.volume, sender.put)

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
