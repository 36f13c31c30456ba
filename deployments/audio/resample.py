"""Changing the sampling rate of a stream: state is kept between blocks, so block borders cannot be heard."""

from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

_FULL_SCALE = 32_768.0


class StreamResampler:
    """PCM16LE at ``source_rate`` Hz in, PCM16LE at ``target_rate`` Hz out, ``channels`` interleaved.

    The output depends on the sum of what was fed, not on how it was cut into blocks; the total length is the exact
    ratio to within one sample. Loud overshoot is clipped, not wrapped. An incomplete sample at the end of a block waits
    for the next block. Not thread-safe.
    """

    def __init__(self, source_rate: int, target_rate: int, channels: int = 1) -> None:
        self._frame_bytes = 2 * channels
        self._channels = channels
        self._carry = b""
        self._stream: Any = None
        if source_rate != target_rate:
            # Float in and out: soxr dithers 16-bit output with a random seed, which would make results unrepeatable.
            self._stream = soxr.ResampleStream(source_rate, target_rate, channels, dtype="float32", quality="HQ")

    def feed(self, pcm: bytes) -> bytes:
        """The sound that is certain after ``pcm``; it lags the input by up to 120 ms."""
        whole = self._whole_frames(pcm)
        return whole if self._stream is None else self._resample(whole, last=False)

    def finish(self) -> bytes:
        """What is still inside. Afterwards the resampler is ready for a new stream; half a sample is dropped."""
        self._carry = b""
        if self._stream is None:
            return b""
        tail = self._resample(b"", last=True)
        self._stream.clear()
        return tail

    def _whole_frames(self, pcm: bytes) -> bytes:
        data = self._carry + pcm
        end = len(data) - len(data) % self._frame_bytes
        self._carry = data[end:]
        return data[:end]

    def _resample(self, pcm: bytes, last: bool) -> bytes:
        samples = np.frombuffer(pcm, "<i2").reshape(-1, self._channels).astype(np.float32) / _FULL_SCALE
        return _to_pcm16(self._stream.resample_chunk(samples, last))


def _to_pcm16(samples: NDArray[np.float32]) -> bytes:
    clipped: NDArray[np.float32] = np.clip(np.rint(samples * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1)
    return clipped.astype("<i2").tobytes()
