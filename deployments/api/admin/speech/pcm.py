"""Synthesised blocks as one raw stream: mono, little-endian, at one rate, 16-bit or float."""

import numpy as np

from deployments.audio.convert import AudioConverter
from deployments.contracts.audio import AudioFormat, SpeechChunk

_FULL_SCALE = 32_768.0
DEFAULT_RATE_HZ = 24_000


class PcmConverter:
    """Blocks of any rate in, bytes at ``rate`` Hz out. ``as_float``: float32 within -1..1, else signed 16 bit; what is
    too loud is clipped, never wrapped. The voice may change its rate between blocks."""

    def __init__(self, rate_hz: int, *, as_float: bool) -> None:
        self._target = AudioFormat(rate_hz)
        self._as_float = as_float
        self._converter: AudioConverter | None = None

    def feed(self, chunk: SpeechChunk) -> bytes:
        """What is certain after ``chunk``; lags up to 120 ms when rates differ."""
        tail = b""
        if self._converter is None or self._converter.source != chunk.format:
            tail = self._tail()
            self._converter = AudioConverter(chunk.format, self._target)
        return self._outward(tail + self._converter.feed(chunk.audio))

    def finish(self) -> bytes:
        """The rest."""
        return self._outward(self._tail())

    def _tail(self) -> bytes:
        return self._converter.finish() if self._converter else b""

    def _outward(self, pcm: bytes) -> bytes:
        if not self._as_float:
            return pcm
        return (np.frombuffer(pcm, "<i2").astype("<f4") / np.float32(_FULL_SCALE)).astype("<f4").tobytes()
