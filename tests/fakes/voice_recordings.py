"""Recordings that sound like a voice to a machine: syllables of a pitch with overtones, words, pauses."""

import io
import wave
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

Sound = npt.NDArray[np.float64]

_SYLLABLE_S, _PAUSE_S = 0.18, 0.25
_SYLLABLES_OF_A_WORD = 4


def speech(seconds: float, pitch_hz: float = 110.0, rate: int = 24_000, *, loudness: float = 0.25) -> Sound:
    """Samples in -1..1. The pitch falls and rises by three semitones in each word."""
    time = np.arange(int(seconds * rate)) / rate
    word_s = _SYLLABLES_OF_A_WORD * _SYLLABLE_S + _PAUSE_S
    inside = time % word_s
    hertz = pitch_hz * 2 ** (1.5 / 12 * np.sin(2 * np.pi * inside / word_s))
    phase = 2 * np.pi * np.cumsum(hertz) / rate
    overtones = [np.sin(number * phase) / number for number in range(1, 12)]
    syllables = np.sin(np.pi * (inside % _SYLLABLE_S) / _SYLLABLE_S) ** 0.5
    noise = np.random.default_rng(7).normal(0, 1e-4, len(time))
    voiced = np.sum(overtones, axis=0) * syllables * (inside < word_s - _PAUSE_S)
    return np.asarray(loudness * voiced / 2 + noise)


def wav(samples: Sound, rate: int = 24_000, *, channels: int = 1, bits: int = 16) -> bytes:
    """A WAV file. The same samples are in every channel."""
    clipped = np.clip(samples, -1, 1)
    if bits == 8:
        content = ((clipped + 1) * 127.5).astype("u1")
    else:
        content = (clipped * 32_767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(bits // 8)
        sound.setframerate(rate)
        sound.writeframes(np.repeat(content, channels).tobytes())
    return file.getvalue()


def write_m4a(path: Path, samples: Sound, rate: int = 24_000) -> None:
    """As a phone records: AAC in an MP4 file."""
    with av.open(path, "w", format="ipod") as output:
        stream = output.add_stream("aac", rate=rate, layout="mono")
        for start in range(0, len(samples), 1_024):
            block = samples[start : start + 1_024].astype("f4")[None]
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = rate, start
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
