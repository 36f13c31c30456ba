"""ITU-T G.711 companding between PCM16 little-endian and A-law or mu-law, one byte per sample.

Both directions use lookup tables, computed once from the definition (G.711 tables 1 and 2: eight chords of sixteen
steps, A-law on 13 bits, mu-law on 14 bits). A 20 ms frame takes a few microseconds.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

_ALAW_EVEN_BITS = 0x55
"""A-law inverts every even bit on the wire (G.711 §3.1)."""
_SIGN = 0x80
_MULAW_BIAS = 33
_MULAW_CLIP = 8_158
"""Largest magnitude below the last decision value, 8159 (G.711 table 2a)."""


def alaw_encode(pcm: bytes) -> bytes:
    """PCM16LE -> A-law, half the size. Raises ValueError on an odd number of bytes."""
    return _encode(pcm, _alaw_table())


def alaw_decode(alaw: bytes) -> bytes:
    """A-law -> PCM16LE, twice the size."""
    return _decode(alaw, _alaw_samples())


def mulaw_encode(pcm: bytes) -> bytes:
    """PCM16LE -> mu-law, half the size. Raises ValueError on an odd number of bytes."""
    return _encode(pcm, _mulaw_table())


def mulaw_decode(mulaw: bytes) -> bytes:
    """Mu-law -> PCM16LE, twice the size."""
    return _decode(mulaw, _mulaw_samples())


def _encode(pcm: bytes, table: NDArray[np.uint8]) -> bytes:
    codes: NDArray[np.uint8] = table[np.frombuffer(pcm, "<u2")]
    return codes.tobytes()


def _decode(companded: bytes, samples: NDArray[np.int16]) -> bytes:
    pcm: NDArray[np.int16] = samples[np.frombuffer(companded, np.uint8)]
    return pcm.tobytes()


def _all_samples() -> NDArray[np.int32]:
    """All 16-bit samples, ordered by their unsigned bit pattern."""
    return np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32)


@cache
def _alaw_table() -> NDArray[np.uint8]:
    thirteen_bit: NDArray[np.int32] = _all_samples() >> 3
    magnitude = np.where(thirteen_bit >= 0, thirteen_bit, -thirteen_bit - 1)
    chord = np.maximum(_bit_length(magnitude) - 5, 0)
    step = (magnitude >> np.maximum(chord, 1)) & 0x0F
    code: NDArray[np.int32] = (chord << 4) | step | np.where(thirteen_bit >= 0, _SIGN, 0)
    code ^= _ALAW_EVEN_BITS
    return code.astype(np.uint8)


@cache
def _mulaw_table() -> NDArray[np.uint8]:
    fourteen_bit = _all_samples() >> 2
    magnitude = np.minimum(np.abs(fourteen_bit), _MULAW_CLIP) + _MULAW_BIAS
    chord = _bit_length(magnitude) - 6
    step = (magnitude >> (chord + 1)) & 0x0F
    code = (chord << 4) | step | np.where(fourteen_bit >= 0, 0, _SIGN)
    inverted: NDArray[np.int32] = ~code & 0xFF
    return inverted.astype(np.uint8)


@cache
def _alaw_samples() -> NDArray[np.int16]:
    code = np.arange(256, dtype=np.int32) ^ _ALAW_EVEN_BITS
    chord, step = (code >> 4) & 0x07, code & 0x0F
    offset = np.where(chord == 0, 8, 0x108)
    magnitude: NDArray[np.int32] = ((step << 4) + offset) << np.maximum(chord - 1, 0)
    samples: NDArray[np.int32] = np.where(code & _SIGN, magnitude, -magnitude)
    return samples.astype("<i2")


@cache
def _mulaw_samples() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    chord, step = (code >> 4) & 0x07, code & 0x0F
    magnitude = (((step << 3) + (_MULAW_BIAS << 2)) << chord) - (_MULAW_BIAS << 2)
    samples: NDArray[np.int32] = np.where(code & _SIGN, -magnitude, magnitude)
    return samples.astype("<i2")


def _bit_length(values: NDArray[np.int32]) -> NDArray[np.int32]:
    """Position of the highest set bit, counted from 1; 0 for 0."""
    return np.searchsorted(1 << np.arange(16), values, side="right").astype(np.int32)
