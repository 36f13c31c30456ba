"""Encodes PCM to audio files and to streams of mp3, opus, aac, flac, wav or raw PCM."""

import struct
from fractions import Fraction
from typing import Protocol

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from deployments.audio.convert import AudioConverter
from deployments.contracts.audio import PCM16_24K, AudioFormat
from deployments.contracts.errors import InvalidRequest

CONTENT_TYPES: dict[str, str] = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
"""Content types of the ``response_format`` values of the OpenAI speech API. ``opus`` is Ogg Opus (RFC 7845)."""

_UNKNOWN_LENGTH = 0xFFFF_FFFF
_OPUS_RATE = 48_000
_FRAME_BYTES = 2


class _CodecWriter(Protocol):
    """One output format of StreamEncoder. The input is PCM16 mono at ``rate`` Hz."""

    rate: int

    def feed(self, pcm: bytes) -> bytes: ...

    def finish(self) -> bytes: ...


class StreamEncoder:
    """Encodes blocks of ``source`` audio to mono ``format``, a key of CONTENT_TYPES.

    wav and pcm return bytes for the first block, the other formats after 100-200 ms of audio. pcm is 24 kHz, as in the
    OpenAI API. The other formats keep the rate of the source if the codec supports it. Raises InvalidRequest for an
    unknown format. Not thread-safe; CPU-bound.
    """

    def __init__(self, format: str, source: AudioFormat) -> None:
        self._writer = _writer(format, source.rate)
        self._converter = AudioConverter(source, AudioFormat(self._writer.rate))

    def feed(self, pcm: bytes) -> bytes:
        """Returns the bytes encoded so far, headers first. May be empty."""
        return self._writer.feed(self._converter.feed(pcm))

    def finish(self) -> bytes:
        """Returns the rest. The encoder cannot be used afterwards."""
        return self._writer.feed(self._converter.finish()) + self._writer.finish()


def wav_file(pcm: bytes, format: AudioFormat) -> bytes:
    """A WAV file (RIFF, PCM16) with correct lengths. G.711 is decoded first."""
    target = AudioFormat(format.rate, format.channels)
    converter = AudioConverter(format, target)
    data = converter.feed(pcm) + converter.finish()
    return _wav_header(target, len(data)) + data


def ogg_opus_file(pcm: bytes, format: AudioFormat) -> bytes:
    """An Ogg Opus file, 48 kHz mono, as Telegram requires for voice notes (Bot API, sendVoice)."""
    encoder = StreamEncoder("opus", format)
    return encoder.feed(pcm) + encoder.finish()


def _writer(format: str, source_rate: int) -> _CodecWriter:
    if format == "pcm":
        return _RawWriter()
    if format == "wav":
        return _WavWriter(source_rate)
    if format in _CONTAINERS:
        return _CompressedWriter(format, source_rate)
    raise InvalidRequest(
        f"unknown audio format {format!r}; use one of {', '.join(CONTENT_TYPES)}", param="response_format"
    )


class _RawWriter:
    rate = PCM16_24K.rate

    def feed(self, pcm: bytes) -> bytes:
        return pcm

    def finish(self) -> bytes:
        return b""


class _WavWriter:
    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._header = _wav_header(AudioFormat(rate), None)

    def feed(self, pcm: bytes) -> bytes:
        header, self._header = self._header, b""
        return header + pcm

    def finish(self) -> bytes:
        return self.feed(b"")


def _wav_header(format: AudioFormat, size: int | None) -> bytes:
    """44 bytes of RIFF/WAVE. Without ``size`` both lengths are 0xFFFFFFFF, which players read as "until the end"."""
    data = _UNKNOWN_LENGTH if size is None else size
    riff = _UNKNOWN_LENGTH if size is None else 36 + size
    format_fields = struct.pack(
        "<IHHIIHH", 16, 1, format.channels, format.rate, format.bytes_per_second, format.bytes_per_frame, 16
    )
    return b"RIFF" + struct.pack("<I", riff) + b"WAVEfmt " + format_fields + b"data" + struct.pack("<I", data)


# format -> (muxer, codec, supported rates (empty: any), muxer options, codec options)
_CONTAINERS: dict[str, tuple[str, str, tuple[int, ...], dict[str, str], dict[str, str]]] = {
    "mp3": (
        "mp3",
        "libmp3lame",
        (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000),
        {"write_xing": "0", "id3v2_version": "0"},
        {"b": "64000", "reservoir": "0"},
    ),
    "opus": (
        "ogg",
        "libopus",
        (_OPUS_RATE,),
        {"page_duration": "60000"},
        {"b": "32000", "application": "voip", "frame_duration": "20"},
    ),
    "aac": (
        "adts",
        "aac",
        (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000),
        {},
        {"b": "64000"},
    ),
    "flac": ("flac", "flac", (), {}, {"compression_level": "5", "frame_size": "2048"}),
}


class _MuxerOutput:
    """Collects the bytes of a muxer. It has no ``seek``, so the muxer cannot go back to write a length."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def write(self, data: bytes) -> int:
        self._bytes += data
        return len(data)

    def take(self) -> bytes:
        data = bytes(self._bytes)
        self._bytes.clear()
        return data


class _CompressedWriter:
    """An FFmpeg codec and muxer, flushed after every packet."""

    def __init__(self, format: str, source_rate: int) -> None:
        muxer, codec, rates, muxer_options, codec_options = _CONTAINERS[format]
        self.rate = _nearest_rate(source_rate, rates)
        self._output = _MuxerOutput()
        options = {"flush_packets": "1", **muxer_options}
        self._container = av.open(self._output, "w", format=muxer, container_options=options)
        self._stream: AudioStream = self._container.add_stream(codec, rate=self.rate, options=codec_options)  # type: ignore[assignment]
        self._stream.layout = "mono"
        self._container.start_encoding()
        self._samples = 0

    def feed(self, pcm: bytes) -> bytes:
        if pcm:
            self._container.mux(self._stream.encode(self._frame(pcm)))
        return self._output.take()

    def finish(self) -> bytes:
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._output.take()

    def _frame(self, pcm: bytes) -> AudioFrame:
        frame = AudioFrame.from_ndarray(np.frombuffer(pcm, "<i2").reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = self.rate
        frame.time_base = Fraction(1, self.rate)
        frame.pts = self._samples
        self._samples += len(pcm) // _FRAME_BYTES
        return frame


def _nearest_rate(rate: int, rates: tuple[int, ...]) -> int:
    """``rate`` if the codec supports it, else the next higher supported rate, else the highest."""
    if not rates or rate in rates:
        return rate
    return min((r for r in rates if r > rate), default=max(rates))
