"""From any AudioFormat to any other in one stateful object: companding, channels and sampling rate."""

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
    """Sound in ``source`` format in, sound in ``target`` format out, whatever the sizes of the blocks.

    Channels: equal numbers stay apart; otherwise they are averaged to one and that one is copied to every target
    channel. Equal formats pass through untouched, byte for byte. Not thread-safe.
    """

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        self.source = source
        self.target = target
        self._same = source == target
        self._decode = _DECODERS.get(source.encoding, _identity)
        self._encode = _ENCODERS.get(target.encoding, _identity)
        self._mixes = source.channels != target.channels
        self._resampler = StreamResampler(source.rate, target.rate, 1 if self._mixes else source.channels)
        self._carry = b""

    def feed(self, audio: bytes) -> bytes:
        """The converted sound that is certain by now; see StreamResampler.feed for the lag."""
        if self._same:
            return audio
        pcm = self._decode(self._whole_frames(audio))
        return self._outward(self._resampler.feed(self._mixed(pcm)))

    def finish(self) -> bytes:
        """The tail of the stream. Ready for a new stream afterwards."""
        self._carry = b""
        return b"" if self._same else self._outward(self._resampler.finish())

    def _whole_frames(self, audio: bytes) -> bytes:
        data = self._carry + audio
        end = len(data) - len(data) % self.source.bytes_per_frame
        self._carry = data[end:]
        return data[:end]

    def _mixed(self, pcm: bytes) -> bytes:
        return _to_mono(pcm, self.source.channels) if self._mixes and self.source.channels > 1 else pcm

    def _outward(self, pcm: bytes) -> bytes:
        if self._mixes and self.target.channels > 1:
            pcm = np.repeat(np.frombuffer(pcm, "<i2"), self.target.channels).tobytes()
        return self._encode(pcm)


def _to_mono(pcm: bytes, channels: int) -> bytes:
    mean: NDArray[np.float64] = np.rint(np.frombuffer(pcm, "<i2").reshape(-1, channels).mean(axis=1))
    return mean.astype("<i2").tobytes()


def _identity(audio: bytes) -> bytes:
    return audio
