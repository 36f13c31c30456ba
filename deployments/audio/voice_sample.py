"""What can be measured about the recording of a voice: level, clipping, noise and pitch.

All numbers are of PCM16 mono. The pitch tells one person from two only when their pitch differs by half an octave or
more, such as a man and a woman.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

_FRAME_S = 0.02
_SILENCE_DB = -100.0
_FLOOR_PERCENTILE, _SPEECH_PERCENTILE = 10, 90
_PEAK_SHARE = 0.995
"""A sample this close to the loudest one may be clipped."""
_PITCH_RATE, _PITCH_FRAME, _PITCH_HOP = 8_000, 400, 160
_MIN_HZ, _MAX_HZ = 60, 400
_VOICED_CORRELATION, _FIRST_PEAK = 0.5, 0.9
_VOICED_BELOW_SPEECH_DB = 25.0
_BLOCK = 500
"""Frames that are transformed together, so that a minute of sound needs a few megabytes."""
_WINDOW_FRAMES = 25
"""Voiced frames whose median is one pitch."""
_MIN_WINDOWS, _MIN_SHARE = 6, 0.2
_SEPARATION = 4.0


@dataclass(frozen=True, slots=True)
class SampleMeasures:
    """``level_db``: of the speech, relative to full scale. ``noise_db``: how far the pauses lie below the speech.
    ``clipped``: the share of samples at the loudest value. ``pitch_hz``: 0 when no voice is found. ``voice_seconds``
    with a pitch. ``semitones`` between the pitches of two speakers; 0 when one person speaks."""

    seconds: float
    level_db: float
    noise_db: float
    clipped: float
    pitch_hz: float
    voice_seconds: float
    semitones: float


def measure_sample(pcm: bytes, rate: int) -> SampleMeasures:
    """``rate`` is a multiple of 8,000 Hz. Takes about 3 ms per second of sound."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32_768)
    levels = _levels(samples, int(rate * _FRAME_S))
    floor, speech = (float(np.percentile(levels, p)) for p in (_FLOOR_PERCENTILE, _SPEECH_PERCENTILE))
    pitches = _pitches(samples, rate, speech)
    return SampleMeasures(
        seconds=len(samples) / rate,
        level_db=speech,
        noise_db=speech - floor,
        clipped=_clipped(samples),
        pitch_hz=float(np.median(pitches)) if len(pitches) else 0.0,
        voice_seconds=len(pitches) * _PITCH_HOP / _PITCH_RATE,
        semitones=_speaker_distance(pitches),
    )


def _levels(samples: Samples, size: int) -> Samples:
    frames = samples[: max(1, len(samples) // size) * size]
    frames = np.pad(frames, (0, -len(frames) % size)).reshape(-1, size)
    power = np.mean(np.square(frames), axis=1)
    return np.asarray(np.maximum(10 * np.log10(np.maximum(power, 1e-12)), _SILENCE_DB), np.float32)


def _clipped(samples: Samples) -> float:
    """The loudest value is that of the recording: a clipped one may have been made quieter later."""
    loudness = np.abs(samples)
    peak = float(loudness.max(initial=0.0))
    return float(np.mean(loudness >= _PEAK_SHARE * peak)) if peak else 0.0


def _pitches(samples: Samples, rate: int, speech_db: float) -> Samples:
    """The pitch of each voiced frame in Hz, by normalised autocorrelation."""
    step = rate // _PITCH_RATE
    low = samples[: len(samples) // step * step].reshape(-1, step).mean(axis=1)
    if len(low) < _PITCH_FRAME:
        return np.empty(0, np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(low, _PITCH_FRAME)[::_PITCH_HOP]
    frames = frames - frames.mean(axis=1, keepdims=True)
    loud = 10 * np.log10(np.maximum(np.mean(np.square(frames), axis=1), 1e-12)) > speech_db - _VOICED_BELOW_SPEECH_DB
    blocks = [_pitches_of(frames[loud][start : start + _BLOCK]) for start in range(0, int(loud.sum()), _BLOCK)]
    return np.concatenate([np.empty(0, np.float32), *blocks])


def _pitches_of(frames: Samples) -> Samples:
    spectrum = np.fft.rfft(frames, 2 * _PITCH_FRAME)
    correlation = np.fft.irfft(np.square(np.abs(spectrum)))[:, :_PITCH_FRAME]
    overlap = 1 - np.arange(_PITCH_FRAME) / _PITCH_FRAME
    correlation = correlation / np.maximum(correlation[:, :1] * overlap, 1e-9)
    first, last = _PITCH_RATE // _MAX_HZ, _PITCH_RATE // _MIN_HZ
    lags = correlation[:, first : last + 1]
    peaks = (lags[:, 1:-1] >= lags[:, :-2]) & (lags[:, 1:-1] > lags[:, 2:])
    inner = np.where(peaks, lags[:, 1:-1], 0.0)
    best = inner.max(axis=1)
    early = np.argmax(inner >= _FIRST_PEAK * best[:, None], axis=1)  # a later peak is a multiple of the period
    return np.asarray(_PITCH_RATE / (first + 1 + early[best >= _VOICED_CORRELATION]), np.float32)


def _speaker_distance(pitches: Samples) -> float:
    """Semitones between the two groups into which the pitches of half a second of voice fall, if each has a fifth of
    them and is narrow; else 0."""
    count = len(pitches) // _WINDOW_FRAMES
    if count < _MIN_WINDOWS:
        return 0.0
    windows = np.median(pitches[: count * _WINDOW_FRAMES].reshape(count, -1), axis=1)
    ordered = np.sort(12 * np.log2(windows))
    least = max(1, int(np.ceil(_MIN_SHARE * count)))
    splits = range(least, count - least + 1)
    spread = [np.var(ordered[:k]) * k + np.var(ordered[k:]) * (count - k) for k in splits]
    if not spread:
        return 0.0
    split = splits[int(np.argmin(spread))]
    low, high = ordered[:split], ordered[split:]
    distance = float(high.mean() - low.mean())
    width = max(float(low.std()), float(high.std()))
    return distance if distance >= _SEPARATION * width / 2 and distance >= _SEPARATION else 0.0
