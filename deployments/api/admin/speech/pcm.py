"""Conversion of synthesized blocks to a raw PCM stream: mono, little-endian, one rate, 16-bit or float."""

import numpy as np

from deployments.audio.convert import AudioConverter
from deployments.contracts.audio import AudioFormat, SpeechChunk

_FULL_SCALE = 32_768.0
DEFAULT_RATE_HZ = 24_000


class PcmConverter:
    """Converts blocks of any rate to bytes at ``rate_hz``: float32 in -1..1 with ``as_float``, else signed 16 bit. Too
    loud samples are clipped. The rate may change between blocks."""

    def __init__(self, rate_hz: int, *, as_float: bool) -> None:
        self._target = AudioFormat(rate_hz)
        self._as_float = as_float
        self._converter: AudioConverter | None = None

    def feed(self, chunk: SpeechChunk) -> bytes:
        """The bytes that are complete after ``chunk``. They lag up to 120 ms behind when the rates differ."""
        tail = b""
        if self._converter is None or self._converter.source != chunk.format:
            tail = self._flush()
            self._converter = AudioConverter(chunk.format, self._target)
        return self._encode(tail + self._converter.feed(chunk.audio))

    def finish(self) -> bytes:
        """The remaining bytes."""
        return self._encode(self._flush())

    def _flush(self) -> bytes:
        return self._converter.finish() if self._converter else b""

    def _encode(self, pcm: bytes) -> bytes:
        if not self._as_float:
            return pcm
        return (np.frombuffer(pcm, "<i2").astype("<f4") / np.float32(_FULL_SCALE)).astype("<f4").tobytes()
