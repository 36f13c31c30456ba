"""Sound from outside: any common file in, PCM16 mono out. Everything here treats its input as hostile.

FFmpeg demuxers such as HLS, DASH and concat open further files and addresses named inside the data, so the formats,
the codecs and the protocols are lists of what is allowed, and the data never leaves memory.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import NoReturn

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer

from deployments.contracts.errors import TooLarge, UnsupportedAudio

_FORMATS = "wav,w64,mp3,ogg,matroska,webm,mov,mp4,m4a,flac,aac,aiff,au,amr"
_CODECS = (
    "mp3float,mp3,vorbis,libvorbis,opus,libopus,flac,aac,alac,amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,"
    "pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_u8,pcm_s8,"
    "pcm_alaw,pcm_mulaw,adpcm_ima_wav,adpcm_ms,gsm,gsm_ms"
)
_ALLOWED_CODECS = frozenset(_CODECS.split(","))
_OPTIONS = {
    "format_whitelist": _FORMATS,
    "codec_whitelist": _CODECS,
    "protocol_whitelist": "none",
    "probesize": "1000000",
    "max_streams": "16",
}
_LOWEST_RATE, _HIGHEST_RATE, _MOST_CHANNELS = 1_000, 400_000, 8
_NATIVE_ERRORS = (av.FFmpegError, ValueError, TypeError, OverflowError, MemoryError, RuntimeError, IndexError)
_BROKEN = "the file is broken or not a sound file; send wav, mp3, ogg, opus, webm, m4a or flac"


def decode_to_pcm16(data: bytes, rate: int = 16_000, max_seconds: float = 3_600) -> bytes:
    """The first audio track of the file ``data`` as PCM16LE mono at ``rate`` Hz.

    Damaged stretches are skipped as long as something can be heard. Memory is bounded by ``max_seconds`` of output.
    Raises UnsupportedAudio for empty, broken or soundless data, TooLarge for more than ``max_seconds`` of sound.
    Blocks for about 1 % of the duration of the sound: call it off the event loop.
    """
    if not data:
        raise UnsupportedAudio("the file is empty", param="file")
    try:
        return _decoded(data, rate, max_seconds)
    except _NATIVE_ERRORS as error:
        raise UnsupportedAudio(_BROKEN, param="file") from error


def _decoded(data: bytes, rate: int, max_seconds: float) -> bytes:
    sound = bytearray()
    with av.open(BytesIO(data), "r", options=_OPTIONS, io_open=_refuse_to_open) as container:
        mixer = _Mixer(rate)
        heard = 0.0
        for frame in _frames(container):
            heard += frame.samples / frame.sample_rate
            if heard > max_seconds:
                raise TooLarge(f"the sound is longer than {max_seconds:g} seconds", param="file")
            sound += mixer.feed(frame)
        sound += mixer.finish()
    if not sound:
        raise UnsupportedAudio("no sound could be decoded from the file", param="file")
    return bytes(sound)


def _refuse_to_open(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    raise ValueError("a sound file must not name other files")


def _frames(container: InputContainer) -> Iterator[AudioFrame]:
    stream = next(iter(container.streams.audio), None)
    if stream is None:
        raise UnsupportedAudio("there is no sound in the file", param="file")
    context = getattr(stream, "codec_context", None)  # None when FFmpeg knows no decoder, whatever the type stub says
    codec = "unknown" if context is None else context.name
    if codec not in _ALLOWED_CODECS:
        raise UnsupportedAudio(f"the sound is in an unsupported codec ({codec})", param="file")
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue
        for frame in frames:
            if isinstance(frame, AudioFrame) and frame.samples:
                yield _sane(frame)


def _sane(frame: AudioFrame) -> AudioFrame:
    """Guards the resampler: a header can claim 1 Hz or 60 000 channels and turn bytes into gigabytes."""
    if not _LOWEST_RATE <= frame.sample_rate <= _HIGHEST_RATE or frame.layout.nb_channels > _MOST_CHANNELS:
        raise UnsupportedAudio(
            f"{frame.sample_rate} Hz with {frame.layout.nb_channels} channels is not supported", param="file"
        )
    return frame


class _Mixer:
    """Frames of any shape to PCM16 mono at one rate; a change of shape in mid-stream starts a new resampler."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._shape: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None

    def feed(self, frame: AudioFrame) -> bytes:
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        tail = b""
        if shape != self._shape or self._resampler is None:
            tail = self.finish()
            self._shape, self._resampler = shape, AudioResampler(format="s16", layout="mono", rate=self._rate)
        frame.pts = None
        return tail + _joined(self._resampler.resample(frame))

    def finish(self) -> bytes:
        return b"" if self._resampler is None else _joined(self._resampler.resample(None))


def _joined(frames: list[AudioFrame]) -> bytes:
    return b"".join(frame.to_ndarray().tobytes() for frame in frames)
