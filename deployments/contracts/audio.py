"""Self-describing audio: bytes are always passed with their rate, channels and encoding."""

from dataclasses import dataclass
from enum import StrEnum


class Encoding(StrEnum):
    """Sample encoding. ``pcm16`` is signed 16-bit little-endian; ``alaw`` and ``mulaw`` are ITU-T G.711."""

    PCM16 = "pcm16"
    ALAW = "alaw"
    MULAW = "mulaw"


_BYTES_PER_SAMPLE = {Encoding.PCM16: 2, Encoding.ALAW: 1, Encoding.MULAW: 1}
_SILENCE = {Encoding.PCM16: b"\x00\x00", Encoding.ALAW: b"\xd5", Encoding.MULAW: b"\xff"}


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """The format of raw audio. ``rate`` is in Hz; the samples of several channels are interleaved."""

    rate: int
    channels: int = 1
    encoding: Encoding = Encoding.PCM16

    def __post_init__(self) -> None:
        if self.rate <= 0 or self.channels <= 0:
            raise ValueError(f"rate and channels must be positive, got {self.rate} Hz x {self.channels}")

    @property
    def bytes_per_frame(self) -> int:
        """Bytes of one sample of all channels."""
        return _BYTES_PER_SAMPLE[self.encoding] * self.channels

    @property
    def bytes_per_second(self) -> int:
        return self.rate * self.bytes_per_frame

    def seconds(self, size: int) -> float:
        """Duration in seconds of ``size`` bytes."""
        return size / self.bytes_per_second

    def size(self, seconds: float) -> int:
        """Bytes of ``seconds`` of audio, rounded down to whole frames."""
        return int(seconds * self.rate) * self.bytes_per_frame

    def silence(self, seconds: float) -> bytes:
        """``seconds`` of silence: zero in PCM, 0xD5 in A-law, 0xFF in mu-law (ITU-T G.711)."""
        return _SILENCE[self.encoding] * (int(seconds * self.rate) * self.channels)


PCM16_8K = AudioFormat(8_000)
PCM16_16K = AudioFormat(16_000)
PCM16_22K = AudioFormat(22_050)
PCM16_24K = AudioFormat(24_000)
ALAW_8K = AudioFormat(8_000, encoding=Encoding.ALAW)
MULAW_8K = AudioFormat(8_000, encoding=Encoding.MULAW)


@dataclass(frozen=True, slots=True)
class Substitution:
    """Why another engine than that of the requested voice speaks. ``reason`` is the code of the error, or ``late``: the
    line was about to run dry."""

    engine: str
    reason: str


LATE = "late"


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """A block of synthesised audio.

    ``text`` is the piece of text that starts with this chunk, and empty on later chunks of the piece. ``sequence``
    counts the chunks of one request from 0. ``resumed``: the text broke off before, and a clause may be said twice;
    such audio, and audio with a ``substitution``, is not cached. ``spoken`` is the share of the text of the request, in
    characters, that is spoken by the end of this chunk; None where the engine cannot tell.
    ``cloned_voice``: on the first chunk of a piece, the cloned voice that says it, if it is one; who plays the piece
    later asks again whether its person still consents.
    """

    audio: bytes
    format: AudioFormat
    text: str = ""
    sequence: int = 0
    substitution: Substitution | None = None
    spoken: float | None = None
    resumed: bool = False
    cloned_voice: str = ""

    @property
    def substitute(self) -> bool:
        return self.substitution is not None

    @property
    def seconds(self) -> float:
        return self.format.seconds(len(self.audio))
