"""Cuts a long sound into shorter ones where it is quietest."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
_FRAME_S = 0.02
_SEARCHED_PART = 0.5


def cut_at_pauses(samples: Samples, rate: int, first_s: float, longest_s: float) -> Iterator[Samples]:
    """Yields blocks of at most ``longest_s``, the first of at most ``first_s``, cut in the middle of the quietest 20 ms
    of the second half of each."""
    longest, frame = int(first_s * rate), int(_FRAME_S * rate)
    while samples.size > longest:
        start = int(longest * _SEARCHED_PART)
        count = (longest - start) // frame
        frames = samples[start : start + count * frame].reshape(count, frame)
        cut = start + int(np.argmin(np.square(frames).sum(axis=1))) * frame + frame // 2
        yield samples[:cut]
        samples, longest = samples[cut:], int(longest_s * rate)
    if samples.size:
        yield samples
