"""Cuts a stream of speech into windows at quiet moments, so that long recordings need little memory at once."""

from collections.abc import AsyncGenerator, AsyncIterator

import numpy as np

from deployments.contracts.audio import PCM16_16K

WINDOW_S = 29.0
"""The longest window: what Whisper hears at once, with the silence put around it. Recordings take turns after each
window. A shorter recording is one window."""
_SEARCH_S = 30.0
_STEP = 320
_PAUSE_STEPS = 10
"""A pause is looked for in the last 30 seconds: the quietest 0.2 seconds, in steps of 20 ms."""


async def cut_at_pauses(blocks: AsyncIterator[bytes], window_s: float = WINDOW_S) -> AsyncGenerator[bytes]:
    """Yields ``blocks`` (PCM16 mono at 16 kHz) as windows of at most ``window_s`` seconds. Nothing is left out.

    The last window is yielded after ``blocks`` has ended.
    """
    size = PCM16_16K.size(window_s)
    buffered = bytearray()
    async for block in blocks:
        buffered += block
        while len(buffered) > size:
            end = size - PCM16_16K.size(min(_SEARCH_S, window_s / 2))
            end += _quietest_moment(bytes(buffered[end:size]))
            yield bytes(buffered[:end])
            del buffered[:end]
    if buffered:
        yield bytes(buffered)


def _quietest_moment(pcm: bytes) -> int:
    """The offset in bytes of the middle of the quietest pause."""
    samples = np.abs(np.frombuffer(pcm, "<i2").astype(np.int32))
    steps = samples[: len(samples) // _STEP * _STEP].reshape(-1, _STEP).mean(axis=1)
    loudness = np.convolve(steps, np.ones(_PAUSE_STEPS), "valid")
    return (int(loudness.argmin()) + _PAUSE_STEPS // 2) * _STEP * 2
