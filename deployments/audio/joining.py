"""Joins separately spoken parts of a sentence: the silence between them is shortened, the rest is cross-faded."""

import numpy as np
from numpy.typing import NDArray

_SILENT = 330
"""Samples below 1 % of full scale (-40 dB) are silence."""
_FADE_S = 0.010
_PAUSE_S = 0.030
"""Silence that is kept at each side of a joint."""

_Samples = NDArray[np.int16]


class SoundJoiner:
    """Joins parts of PCM16 mono at ``rate`` Hz. ``feed`` takes blocks, ``end_part`` says that a part is complete.

    At a joint the last and the first 10 ms are mixed, one falling and one rising linearly, after silence beyond 30 ms
    was dropped on either side. The start of the first part and the end of the last one stay as they are. Sound is held
    back as long as it may be the end of a part: its silence, and 10 ms.
    """

    def __init__(self, rate: int) -> None:
        self._fade = int(rate * _FADE_S)
        self._pause = int(rate * _PAUSE_S)
        self._held: _Samples = np.zeros(0, np.int16)
        self._before: _Samples | None = None
        self._leading = False

    def feed(self, pcm: bytes) -> bytes:
        """Returns the sound that no joint can change any more."""
        held = np.concatenate((self._held, np.frombuffer(pcm, "<i2")))
        if self._leading:
            held = self._without_leading_silence(held)
        if self._before is not None:
            if self._leading or len(held) < self._fade:
                self._held = held
                return b""
            held, self._before = _crossfade(self._before, held), None
        final = max(0, _end_of_sound(held) - self._fade)
        self._held = held[final:]
        return held[:final].astype("<i2").tobytes()

    def end_part(self) -> bytes:
        """Ends a part that another one follows."""
        end = min(len(self._held), max(_end_of_sound(self._held) + self._pause, self._fade))
        kept = self._held[:end]
        if self._before is not None:  # the part is silent, or shorter than the fade
            kept, self._before = _crossfade(self._before, kept), None
        final = max(0, len(kept) - self._fade)
        self._before, self._held, self._leading = kept[final:], np.zeros(0, np.int16), True
        return kept[:final].astype("<i2").tobytes()

    def finish(self) -> bytes:
        """Returns the rest of the last part."""
        rest = self._held if self._before is None else np.concatenate((_faded_out(self._before), self._held))
        self._held, self._before, self._leading = np.zeros(0, np.int16), None, False
        return rest.astype("<i2").tobytes()

    def _without_leading_silence(self, samples: _Samples) -> _Samples:
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _SILENT)
        if not len(loud):
            return samples[-self._pause :] if self._pause else samples[:0]
        self._leading = False
        return samples[max(0, int(loud[0]) - self._pause) :]


def _end_of_sound(samples: _Samples) -> int:
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _SILENT)
    return int(loud[-1]) + 1 if len(loud) else 0


def _crossfade(before: _Samples, after: _Samples) -> _Samples:
    """The end of ``before`` fades out while the start of ``after`` fades in."""
    count = min(len(before), len(after))
    rising = np.linspace(0, 1, count)
    whole, falling = before[: len(before) - count], before[len(before) - count :]
    mixed = np.rint(falling * (1 - rising) + after[:count] * rising).astype(np.int16)
    return np.concatenate((whole, mixed, after[count:]))


def _faded_out(samples: _Samples) -> _Samples:
    return np.rint(samples * np.linspace(1, 0, len(samples))).astype(np.int16)
