"""Decodes untrusted audio files to PCM16 mono with FFmpeg (PyAV).

FFmpeg demuxers such as HLS, DASH and concat open files and URLs named in the data. The formats, codecs and protocols
are therefore allow lists, and a file is never opened by name. FFmpeg allocates what a file declares, so it runs in the
process of ``decoding_worker`` only.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import SEEK_END, BytesIO, FileIO
from mmap import ACCESS_READ, mmap
from typing import NoReturn

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer

from deployments.audio.declared_sizes import require_honest_sizes
from deployments.contracts.errors import TooLarge, UnsupportedAudio

_FORMATS = "wav,w64,mp3,mpeg,ogg,matroska,webm,mov,mp4,m4a,flac,aac,aiff,au,amr"
_CODECS = (
    "mp3float,mp3,mp2float,mp2,mp1float,mp1,vorbis,libvorbis,opus,libopus,flac,aac,alac,amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,"
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
_MIN_RATE, _MAX_RATE, _MAX_CHANNELS = 1_000, 400_000, 8
_NATIVE_ERRORS = (av.FFmpegError, ValueError, TypeError, OverflowError, MemoryError, RuntimeError, IndexError)
AudioFile = BytesIO | FileIO
INVALID_FILE = "the file is damaged or no audio file; send wav, mp3, ogg, opus, webm, m4a or flac"


def measure_seconds(file: AudioFile, max_seconds: float = 3_600) -> float:
    """The length of the first audio track, see ``measure_audio``."""
    return measure_audio(file, max_seconds)[0]


def measure_audio(file: AudioFile, max_seconds: float = 3_600) -> tuple[float, int]:
    """Decodes the first audio track of ``file`` without keeping it and returns its length in seconds, and its most
    frequent rate in Hz.

    Packets that cannot be decoded are skipped. Raises UnsupportedAudio for an empty or invalid file and for one without
    audio, TooLarge for more than ``max_seconds`` of audio. Blocks for about 1 % of the duration.
    """
    if not file.seek(0, SEEK_END):
        raise UnsupportedAudio("the file is empty", param="file")
    with _view(file) as view:
        require_honest_sizes(view)
    samples: Counter[int] = Counter()
    seconds = 0.0
    with _native_errors(), _open(file) as container:
        for frame in _frames(container):
            samples[frame.sample_rate] += frame.samples
            seconds = sum(count / rate for rate, count in samples.items())
            if seconds > max_seconds:
                raise TooLarge(f"the audio is longer than {max_seconds:g} seconds", param="file")
    if not seconds:
        raise UnsupportedAudio("the file contains no audio that can be decoded", param="file")
    return seconds, samples.most_common(1)[0][0]


def decode_blocks(file: AudioFile, rate: int = 16_000) -> Iterator[bytes]:
    """Yields the first audio track of a file that ``measure_seconds`` accepts, as PCM16LE mono at ``rate`` Hz."""
    with _native_errors(), _open(file) as container:
        mixer = _MonoResampler(rate)
        for frame in _frames(container):
            yield mixer.feed(frame)
        yield mixer.finish()


@contextmanager
def _native_errors() -> Iterator[None]:
    try:
        yield
    except _NATIVE_ERRORS as error:
        raise UnsupportedAudio(INVALID_FILE, param="file") from error


def _view(file: AudioFile) -> memoryview | mmap:
    return file.getbuffer() if isinstance(file, BytesIO) else mmap(file.fileno(), 0, access=ACCESS_READ)


def _open(file: AudioFile) -> InputContainer:
    file.seek(0)
    return av.open(file, "r", options=_OPTIONS, io_open=_refuse_to_open)


def _refuse_to_open(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    raise ValueError("an audio file must not refer to other files")


def _frames(container: InputContainer) -> Iterator[AudioFrame]:
    stream = next(iter(container.streams.audio), None)
    if stream is None:
        raise UnsupportedAudio("the file has no audio track", param="file")
    context = getattr(stream, "codec_context", None)  # None when FFmpeg has no decoder, contrary to the type stub
    codec = "unknown" if context is None else context.name
    if codec not in _ALLOWED_CODECS:
        raise UnsupportedAudio(f"the audio codec {codec} is not supported", param="file")
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue
        for frame in frames:
            if isinstance(frame, AudioFrame) and frame.samples:
                yield _checked(frame)


def _checked(frame: AudioFrame) -> AudioFrame:
    """Limits the rate and the channels: a header with 1 Hz or 60,000 channels would expand to gigabytes."""
    if not _MIN_RATE <= frame.sample_rate <= _MAX_RATE or frame.layout.nb_channels > _MAX_CHANNELS:
        raise UnsupportedAudio(
            f"{frame.sample_rate} Hz with {frame.layout.nb_channels} channels is not supported", param="file"
        )
    return frame


class _MonoResampler:
    """Converts frames of any format to PCM16 mono at one rate. A change of format starts a new resampler."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._frame_format: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None

    def feed(self, frame: AudioFrame) -> bytes:
        frame_format = (frame.format.name, frame.layout.name, frame.sample_rate)
        tail = b""
        if frame_format != self._frame_format or self._resampler is None:
            tail = self.finish()
            self._frame_format, self._resampler = (
                frame_format,
                AudioResampler(format="s16", layout="mono", rate=self._rate),
            )
        frame.pts = None
        return tail + _to_bytes(self._resampler.resample(frame))

    def finish(self) -> bytes:
        return b"" if self._resampler is None else _to_bytes(self._resampler.resample(None))


def _to_bytes(frames: list[AudioFrame]) -> bytes:
    """The samples of mono frames, without the padding of their buffers. Imports no numpy: a worker stays small."""
    return b"".join(memoryview(frame.planes[0])[: 2 * frame.samples] for frame in frames)
