"""Converts a stream of audio between two AudioFormats: encoding, channels and sampling rate."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from deployments.audio.g711 import alaw_decode, alaw_encode, mulaw_decode, mulaw_encode
from deployments.audio.resample import StreamResampler
from deployments.contracts.audio import AudioFormat, Encoding

_Codec = Callable[[bytes], bytes]

_DECODERS: dict[Encoding, _Codec] = {Encoding.ALAW: alaw_decode, Encoding.MULAW: mulaw_decode}
_ENCODERS: dict[Encoding, _Codec] = {Encoding.ALAW: alaw_encode, Encoding.MULAW: mulaw_encode}


class AudioConverter:
    """Converts blocks of any size from ``source`` to ``target``.

    If the numbers of channels differ, the channels are averaged to one, which is copied to every target channel. Audio
    in equal formats is returned unchanged. Not thread-safe.
    """

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        self.source = source
        self.target = target
        self._same = source == target
        self._decode = _DECODERS.get(source.encoding, _unchanged)
        self._encode = _ENCODERS.get(target.encoding, _unchanged)
        self._changes_channels = source.channels != target.channels
        self._resampler = StreamResampler(source.rate, target.rate, 1 if self._changes_channels else source.channels)
        self._incomplete_frame = b""

    def feed(self, audio: bytes) -> bytes:
        """Returns the audio converted so far. It lags behind the input, see StreamResampler.feed."""
        if self._same:
            return audio
        pcm = self._decode(self._whole_frames(audio))
        return self._to_target(self._resampler.feed(self._to_resampler_channels(pcm)))

    def finish(self) -> bytes:
        """Returns the rest of the stream and resets the converter."""
        self._incomplete_frame = b""
        return b"" if self._same else self._to_target(self._resampler.finish())

    def _whole_frames(self, audio: bytes) -> bytes:
        data = self._incomplete_frame + audio
        end = len(data) - len(data) % self.source.bytes_per_frame
        self._incomplete_frame = data[end:]
        return data[:end]

    def _to_resampler_channels(self, pcm: bytes) -> bytes:
        return _to_mono(pcm, self.source.channels) if self._changes_channels and self.source.channels > 1 else pcm

    def _to_target(self, pcm: bytes) -> bytes:
        if self._changes_channels and self.target.channels > 1:
            pcm = np.repeat(np.frombuffer(pcm, "<i2"), self.target.channels).tobytes()
        return self._encode(pcm)


def _to_mono(pcm: bytes, channels: int) -> bytes:
    mean: NDArray[np.float64] = np.rint(np.frombuffer(pcm, "<i2").reshape(-1, channels).mean(axis=1))
    return mean.astype("<i2").tobytes()


def _unchanged(audio: bytes) -> bytes:
    return audio
