"""Decoding latents as they arrive gives the sound of decoding all of them at once."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate
from TTS.vocoder.models.hifigan_generator import HifiganGenerator

from deployments.engines.speech.incremental_vocoder import IncrementalVocoder, receptive_field
from tests.xtts.tiny_model import small_generator

_CHANNELS, _HOP = 8, 256
_SCALES = (4.0, 24_000 / 22_050)
_INAUDIBLE = 1e-5
"""Of full scale: a third of the smallest step of PCM16."""


@pytest.fixture(scope="module")
def generator() -> HifiganGenerator:
    return small_generator(_CHANNELS)


def decode_at_once(generator: HifiganGenerator, latents: torch.Tensor, scales: tuple[float, ...]) -> np.ndarray:
    frames = latents.T[None]
    for scale in scales:
        frames = interpolate(frames, scale_factor=scale, mode="linear")
    with torch.inference_mode():
        return generator(frames).reshape(-1).numpy()


def decode_in_pieces(
    generator: HifiganGenerator, latents: torch.Tensor, scales: tuple[float, ...], sizes: list[int], context: int
) -> list[np.ndarray]:
    vocoder = IncrementalVocoder(generator, scales, context, _HOP)
    with torch.inference_mode():
        pieces = [vocoder.feed(part) for part in latents.split(sizes)]
        return [*pieces, vocoder.feed(latents[:0], is_last=True)]


@pytest.mark.parametrize("speed", [1.0, 0.5, 1.3, 3.7])
@pytest.mark.parametrize("sizes", [[10, 20, 20, 3], [1] * 30, [4, 1, 40]], ids=["growing", "single", "uneven"])
def test_pieces_are_the_sound_of_the_whole(generator: HifiganGenerator, sizes: list[int], speed: float) -> None:
    """PyTorch copies frames instead of interpolating when their number stays the same: below twelve frames."""
    latents = torch.randn(sum(sizes), _CHANNELS, generator=torch.Generator().manual_seed(2))
    scales = (1 / speed, *_SCALES)
    whole = decode_at_once(generator, latents, scales)
    pieces = np.concatenate(decode_in_pieces(generator, latents, scales, sizes, receptive_field(generator)))
    assert pieces.shape == whole.shape
    assert np.abs(whole).max() > 0.05
    assert np.abs(pieces - whole).max() < _INAUDIBLE


def test_less_context_is_audible(generator: HifiganGenerator) -> None:
    """The receptive field is no guess: with a part of it the joints differ."""
    latents = torch.randn(60, _CHANNELS, generator=torch.Generator().manual_seed(2))
    whole = decode_at_once(generator, latents, _SCALES)
    pieces = np.concatenate(decode_in_pieces(generator, latents, _SCALES, [20] * 3, 2))
    assert np.abs(pieces - whole).max() > 100 * _INAUDIBLE


def test_window_does_not_grow(generator: HifiganGenerator) -> None:
    """What is decoded for a piece depends on the length of the piece, not on what came before."""
    lengths: list[int] = []

    def measure(frames: torch.Tensor) -> torch.Tensor:
        lengths.append(frames.shape[-1])
        return torch.zeros(1, 1, frames.shape[-1] * _HOP)

    vocoder = IncrementalVocoder(measure, _SCALES, receptive_field(generator), _HOP)
    for _ in range(40):
        vocoder.feed(torch.zeros(20, _CHANNELS))
    assert max(lengths[2:]) - min(lengths[2:]) <= 1
    assert len(lengths) == 40
