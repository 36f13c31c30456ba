"""G.711 encoding and decoding."""

import warnings

import pytest

from deployments.audio.g711 import alaw_decode, alaw_encode, mulaw_decode, mulaw_encode
from deployments.contracts.audio import ALAW_8K, MULAW_8K

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import audioop

EVERY_SAMPLE = b"".join(value.to_bytes(2, "little", signed=True) for value in range(-32_768, 32_768))
EVERY_CODE = bytes(range(256))


def test_g711_encodes_every_sample_like_audioop() -> None:
    assert alaw_encode(EVERY_SAMPLE) == audioop.lin2alaw(EVERY_SAMPLE, 2)
    assert mulaw_encode(EVERY_SAMPLE) == audioop.lin2ulaw(EVERY_SAMPLE, 2)


def test_g711_decodes_every_code_like_audioop() -> None:
    assert alaw_decode(EVERY_CODE) == audioop.alaw2lin(EVERY_CODE, 2)
    assert mulaw_decode(EVERY_CODE) == audioop.ulaw2lin(EVERY_CODE, 2)


def test_g711_silence_is_the_code_of_zero() -> None:
    assert alaw_encode(bytes(2)) == ALAW_8K.silence(1 / 8_000)
    assert mulaw_encode(bytes(2)) == MULAW_8K.silence(1 / 8_000)


def test_g711_of_empty_bytes_is_empty() -> None:
    assert [f(b"") for f in (alaw_encode, alaw_decode, mulaw_encode, mulaw_decode)] == [b""] * 4


def test_g711_refuses_half_a_sample() -> None:
    with pytest.raises(ValueError):
        alaw_encode(b"\x00")
