"""Decoding and making audio files for assertions."""

import io
import wave
from dataclasses import dataclass

import av
import numpy as np


@dataclass(frozen=True)
class DecodedAudio:
    seconds: float
    level: float
    """Root mean square, 1.0 is full scale."""
    codec: str
    rate: int


def decode_audio(data: bytes) -> DecodedAudio:
    """Decodes a whole audio file."""
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.audio[0]
        frames = [frame.to_ndarray() for frame in container.decode(stream)]
        samples = np.concatenate([np.atleast_2d(frame)[0].ravel() for frame in frames])
        scale = np.iinfo(samples.dtype).max if np.issubdtype(samples.dtype, np.integer) else 1
        level = float(np.sqrt(np.mean((samples.astype(np.float64) / scale) ** 2)))
        return DecodedAudio(len(samples) / stream.rate, level, stream.codec_context.name, stream.rate)


def words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text.casefold()).split()


def tone_wav(seconds: float, rate: int = 16_000) -> bytes:
    """A WAV file with a 440 Hz tone."""
    samples = 8000 * np.sin(2 * np.pi * 440 / rate * np.arange(int(seconds * rate)))
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(rate)
        written.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()
