"""The engines that say what OpenVoice converts: which voice says a language, and its sound sentence by sentence."""

from collections.abc import AsyncGenerator, Sequence

from deployments.audio.convert import AudioConverter
from deployments.contracts.audio import AudioFormat
from deployments.contracts.engines import SpeechEngine
from deployments.contracts.errors import EngineFailed
from deployments.contracts.playout import Playout
from deployments.contracts.speech import SpeechRequest, Voice
from deployments.contracts.streams import Closing
from deployments.engines.registry import EngineSpec, build_engine

_SAMPLE = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 100."
"""Read in every language; long enough to hear the tone colour of a voice."""


class BaseVoices:
    """Owns the engines of ``specs``. ``chosen`` are ids of voices by language."""

    def __init__(self, specs: Sequence[EngineSpec], chosen: dict[str, str]) -> None:
        self._specs = specs
        self._chosen = chosen
        self._engines: tuple[SpeechEngine, ...] = ()
        self._voices: dict[str, tuple[SpeechEngine, Voice]] = {}

    async def start(self) -> None:
        """Raises what the engines raise, and EngineFailed for a chosen voice that does not exist."""
        self._engines = tuple(build_engine("speech", spec.engine, spec.options) for spec in self._specs)
        for engine in self._engines:
            await engine.start()
        self._voices = self._by_language()

    async def stop(self) -> None:
        engines, self._engines = self._engines, ()
        self._voices = {}
        for engine in engines:
            await engine.stop()

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self._voices)

    @property
    def live_streams(self) -> int:
        return sum(int(engine.status().detail.get("live", 0)) for engine in self._engines)

    def voice(self, language: str) -> Voice:
        return self._voices[language][1]

    async def sample(self, language: str, rate: int) -> bytes:
        """A few seconds of the voice of ``language``, PCM16."""
        return await self._say(_SAMPLE, language, 1.0, rate, Playout())

    async def speak(
        self, pieces: Sequence[str], language: str, speed: float, rate: int, listener: Playout
    ) -> AsyncGenerator[tuple[str, bytes]]:
        """Each piece and its sound, PCM16 at ``rate``."""
        for piece in pieces:
            yield piece, await self._say(piece, language, speed, rate, listener)

    async def _say(self, text: str, language: str, speed: float, rate: int, listener: Playout) -> bytes:
        engine, voice = self._voices[language]
        pcm = bytearray()
        converter: AudioConverter | None = None
        request = SpeechRequest(text, voice.id, language, speed, due_in=listener.due_in, caller=listener.caller)
        async with Closing(engine.synthesize(request)) as chunks:
            async for chunk in chunks:
                converter = converter or AudioConverter(chunk.format, AudioFormat(rate))
                pcm += converter.feed(chunk.audio)
        return bytes(pcm + converter.finish()) if converter else b""

    def _by_language(self) -> dict[str, tuple[SpeechEngine, Voice]]:
        """Neural voices and earlier engines first, as ``choose_voice`` has it within one engine."""
        found: dict[str, tuple[SpeechEngine, Voice]] = {}
        known = [(engine, voice) for engine in self._engines for voice in engine.voices()]
        for engine, voice in sorted(known, key=lambda pair: not pair[1].neural):
            for language in voice.languages:
                found.setdefault(language, (engine, voice))
        for language, voice_id in self._chosen.items():
            pair = next((pair for pair in known if pair[1].id == voice_id), None)
            if pair is None:
                raise EngineFailed(f"options.base_voices: no engine of `bases` has a voice {voice_id!r}")
            found[language] = pair
        return found
