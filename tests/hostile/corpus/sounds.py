"""Sound files that declare more than they have, or hold more than they weigh."""

import io
import struct
from pathlib import Path

import av
import numpy as np

from deployments.audio.encode import wav_file
from deployments.contracts.audio import PCM16_16K
from tests.fakes.decoding import decode_to_pcm16

_SPEECH = Path(__file__).parents[2] / "data" / "speech"


def riff_with_huge_list() -> bytes:
    """96 bytes: a LIST/INFO chunk that declares 2 GB."""
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 32_000, 2, 16)
    info = b"LIST" + struct.pack("<I", 0x7FFFFFE4) + b"INFO" + b"INAM" + struct.pack("<I", 0x7FFFFFD0) + b"a" * 32
    return b"RIFF" + struct.pack("<I", 0x7FFFFFF0) + b"WAVE" + form + info


def riff_with_huge_data() -> bytes:
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 65_535, 4_000_000_000, 4_000_000_000, 65_535, 16)
    return b"RIFF" + struct.pack("<I", 0xFFFFFFFF) + b"WAVE" + form + b"data" + struct.pack("<I", 0xFFFFFFF0) + b"\x00"


def wide_wav(megabytes: int, rate: int = 192_000, channels: int = 8) -> bytes:
    """Eight channels at 192 kHz: 24 megabytes are eight seconds of a tone."""
    seconds = megabytes * 1_000_000 // (2 * rate * channels)
    tone = (8_000 * np.sin(2 * np.pi * 440 / rate * np.arange(seconds * rate))).astype("<i2")
    samples = np.repeat(tone, channels).tobytes()
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, channels, rate, 2 * rate * channels, 2 * channels, 16)
    data = form + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", 4 + len(data)) + b"WAVE" + data


def mixed_words(seconds: int) -> bytes:
    """Recorded words over words played backwards: voice detection takes all of it for speech."""
    files = (path.read_bytes() for path in sorted(_SPEECH.glob("*.wav")))
    words = np.frombuffer(b"".join(map(decode_to_pcm16, files)), "<i2")
    size = seconds * PCM16_16K.rate
    both = np.resize(words, size) // 2 + np.resize(words[::-1], size) // 2
    return wav_file(both.astype("<i2").tobytes(), PCM16_16K)


def silent_flac(minutes: int, rate: int = 1_000) -> bytes:
    """A few kilobytes for an hour of silence."""
    file = io.BytesIO()
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=rate)
        for _ in range(minutes):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 60 * rate), np.int16), "s16", "mono")
            frame.rate = rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()
