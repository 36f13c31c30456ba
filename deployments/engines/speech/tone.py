"""A scripted speech engine: a sine tone whose duration depends on the length of the text."""

import asyncio
from collections.abc import AsyncIterator
from typing import ClassVar

import numpy as np
from pydantic import Field

from deployments.contracts.audio import AudioFormat, SpeechChunk
from deployments.contracts.errors import EngineFailed
from deployments.contracts.speech import SpeechRequest, Voice
from deployments.engines.base import AsyncEngine
from deployments.engines.options import EngineOptions
from deployments.engines.speech.speech_chunks import PcmStream, SpokenPcm, to_speech_chunks
from deployments.engines.speech.voice_selection import choose_voice

SECONDS_PER_CHARACTER = 0.06
_PIECE_SECONDS = 0.2
_AMPLITUDE = 0.3 * 32_767


class ToneOptions(EngineOptions):
    languages: tuple[str, ...] = Field(default=("ru", "en"), min_length=1, description="One voice tone-<tag> for each")
    rate: int = Field(default=22_050, ge=8_000, le=48_000, description="Sampling rate, Hz")
    frequency: float = Field(default=440, gt=0, description="Pitch, Hz")
    delay_s: float = Field(default=0, ge=0, description="Wait before every 200 ms of sound, seconds")
    fail_after_s: float | None = Field(default=None, ge=0, description="Seconds of sound after which it breaks")
    stall_after_s: float | None = Field(default=None, ge=0, description="Seconds of sound after which it falls silent")
    mute: bool = Field(default=False, description="Give no sound at all, as a broken engine would")


class ToneEngine(AsyncEngine):
    """SpeechEngine without a model: ``SECONDS_PER_CHARACTER`` of tone for each character at speed 1."""

    Options: ClassVar[type[EngineOptions]] = ToneOptions

    def __init__(self, options: ToneOptions) -> None:
        self._options = options
        self._format = AudioFormat(options.rate)
        super().__init__("speech", "tone", options.model_id or "tone")

    def voices(self) -> tuple[Voice, ...]:
        return tuple(
            Voice(f"tone-{tag}", f"Tone ({tag})", "tone", (tag,), self._options.rate, neural=False)
            for tag in self._options.languages
        )

    def synthesize(self, request: SpeechRequest) -> AsyncIterator[SpeechChunk]:
        """Raises VoiceNotFound, LanguageNotSupported, InvalidRequest, Unavailable."""
        self._health.require_ready()
        choose_voice(self.voices(), request)
        seconds = 0 if self._options.mute else len(request.text) * SECONDS_PER_CHARACTER / request.speed
        return to_speech_chunks(request.text, self._format, lambda: self._sine(seconds))

    async def _sine(self, seconds: float) -> PcmStream:
        with self._live_stream():
            samples = int(seconds * self._options.rate)
            piece = int(_PIECE_SECONDS * self._options.rate)
            for start in range(0, samples, piece):
                await asyncio.sleep(self._options.delay_s)
                await self._break_at(start / self._options.rate)
                end = min(start + piece, samples)
                yield SpokenPcm(self._samples(start, end), end / samples)

    async def _break_at(self, seconds: float) -> None:
        options = self._options
        if options.fail_after_s is not None and seconds >= options.fail_after_s:
            raise EngineFailed("the tone broke off")
        if options.stall_after_s is not None and seconds >= options.stall_after_s:
            await asyncio.Event().wait()

    def _samples(self, start: int, end: int) -> bytes:
        phase = 2 * np.pi * self._options.frequency / self._options.rate * np.arange(start, end)
        return bytes((_AMPLITUDE * np.sin(phase)).astype("<i2").tobytes())
