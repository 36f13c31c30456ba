"""Changes the sampling rate of a stream. State is kept between blocks, so block boundaries are inaudible."""

from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

_FULL_SCALE = 32_768.0


class StreamResampler:
    """Resamples interleaved PCM16LE from ``source_rate`` to ``target_rate`` Hz.

    The output does not depend on the block sizes. Its length is exact to within one sample. Overshoot is clipped. An
    incomplete sample at the end of a block is kept for the next block. Not thread-safe.
    """

    def __init__(self, source_rate: int, target_rate: int, channels: int = 1) -> None:
        self._frame_bytes = 2 * channels
        self._channels = channels
        self._incomplete_frame = b""
        self._stream: Any = None
        if source_rate != target_rate:
            # float32: soxr dithers 16-bit output with a random seed, which makes results not reproducible
            self._stream = soxr.ResampleStream(source_rate, target_rate, channels, dtype="float32", quality="HQ")

    def feed(self, pcm: bytes) -> bytes:
        """Returns the audio resampled so far. It lags behind the input by up to 120 ms."""
        whole = self._whole_frames(pcm)
        return whole if self._stream is None else self._resample(whole, last=False)

    def finish(self) -> bytes:
        """Returns the rest and resets the resampler. An incomplete sample is dropped."""
        self._incomplete_frame = b""
        if self._stream is None:
            return b""
        tail = self._resample(b"", last=True)
        self._stream.clear()
        return tail

    def _whole_frames(self, pcm: bytes) -> bytes:
        data = self._incomplete_frame + pcm
        end = len(data) - len(data) % self._frame_bytes
        self._incomplete_frame = data[end:]
        return data[:end]

    def _resample(self, pcm: bytes, last: bool) -> bytes:
        samples = np.frombuffer(pcm, "<i2").reshape(-1, self._channels).astype(np.float32) / _FULL_SCALE
        return _to_pcm16(self._stream.resample_chunk(samples, last))


def _to_pcm16(samples: NDArray[np.float32]) -> bytes:
    clipped: NDArray[np.float32] = np.clip(np.rint(samples * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1)
    return clipped.astype("<i2").tobytes()
