"""Synthesized blocks as raw sound: mono, one rate; PCM16 or float32, little-endian, or G.711; in frames, and paced."""

from collections.abc import AsyncIterator

import numpy as np

from deployments.api.admin.speech.schemas import SynthesisStreamBody
from deployments.audio.framing import Framer
from deployments.audio.pcm_converter import PcmConverter
from deployments.contracts.audio import AudioFormat, Encoding, SpeechChunk
from deployments.telephony.clock import Clock, MonotonicClock
from deployments.telephony.pacer import Pacer

_FULL_SCALE = 32_768.0
DEFAULT_RATE_HZ = 24_000
_ENCODINGS = {"alaw": Encoding.ALAW, "mulaw": Encoding.MULAW}


class SoundBlocks:
    """The sound of one text as ``body`` asks for it. ``underruns`` counts gaps of a paced stream."""

    def __init__(self, body: SynthesisStreamBody, clock: Clock | None = None) -> None:
        self.format = AudioFormat(sample_rate(body), encoding=_ENCODINGS.get(body.output_format, Encoding.PCM16))
        self._as_float = body.output_format == "float32"
        self._framer = Framer(self.format, body.frame_length_ms) if body.frame_length_ms else None
        self._pacer: Pacer | None = None
        if self._framer is not None and body.paced:
            frame_s = self._framer.frame_size / self.format.bytes_per_second
            self._pacer = Pacer(clock or MonotonicClock(), frame_s=frame_s)

    @property
    def underruns(self) -> int | None:
        return self._pacer.underruns if self._pacer is not None else None

    async def convert(self, chunks: AsyncIterator[SpeechChunk]) -> AsyncIterator[bytes]:
        """Yields blocks as large as the engine gives them, or frames; silence fills the last frame. None is empty. A
        paced frame comes 60 ms before it is due."""
        converter = PcmConverter(self.format)
        async for chunk in chunks:
            for block in self._cut(converter.feed(chunk)):
                await self._wait()
                yield self._encode(block)
        for block in (*self._cut(converter.finish()), *(self._framer.finish() if self._framer else ())):
            await self._wait()
            yield self._encode(block)

    def _cut(self, sound: bytes) -> list[bytes]:
        if self._framer is not None:
            return self._framer.feed(sound)
        return [sound] if sound else []

    async def _wait(self) -> None:
        if self._pacer is not None:
            await self._pacer.wait_until_due()

    def _encode(self, pcm: bytes) -> bytes:
        if not self._as_float:
            return pcm
        return (np.frombuffer(pcm, "<i2").astype("<f4") / np.float32(_FULL_SCALE)).astype("<f4").tobytes()


def sample_rate(body: SynthesisStreamBody) -> int:
    return body.target_sample_rate or DEFAULT_RATE_HZ
