"""Decodes the latents of a GPT into sound while they arrive, each of them once.

A HiFi-GAN is a stack of convolutions: a sample depends on the frames within its receptive field and on no other. So a
piece is decoded in a window with that many frames on either side, of which only the middle is given. The sound is the
same as if all latents were decoded at once, and the work of a piece does not grow with what was said before.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from deployments.engines.speech.frame_interpolation import FrameInterpolation

Samples = npt.NDArray[np.float32]


class IncrementalVocoder:
    """Latents in, samples out. ``decode`` turns frames [1, channels, frames] into ``hop`` samples for each frame.

    ``scales`` are those of the interpolations between latents and frames. ``context`` is the receptive field of
    ``decode`` to either side, in frames.
    """

    def __init__(
        self, decode: Callable[[torch.Tensor], torch.Tensor], scales: tuple[float, ...], context: int, hop: int
    ) -> None:
        self._decode = decode
        self._interpolations = tuple(FrameInterpolation(scale) for scale in scales)
        self._context = context
        self._hop = hop
        self._frames: torch.Tensor | None = None
        self._first_frame = 0
        self._given = 0

    def feed(self, latents: torch.Tensor, *, is_last: bool = False) -> Samples:
        """``latents`` are of shape [latents, channels]. Returns the samples that no later latent can change."""
        frames = latents.T[None]
        for interpolation in self._interpolations:
            frames = interpolation.feed(frames, is_last=is_last)
        known = frames if self._frames is None else torch.cat([self._frames, frames], dim=-1)
        total = self._first_frame + known.shape[-1]
        end = total if is_last else total - self._context
        samples = self._decode_window(known, end) if end > self._given else np.zeros(0, np.float32)
        self._given = max(self._given, end)
        forget = max(0, self._given - self._context - self._first_frame)
        self._frames, self._first_frame = known[..., forget:], self._first_frame + forget
        return samples

    def _decode_window(self, known: torch.Tensor, end: int) -> Samples:
        decoded = self._decode(known).reshape(-1)
        start = (self._given - self._first_frame) * self._hop
        samples: Samples = decoded[start : (end - self._first_frame) * self._hop].float().cpu().numpy()
        return samples


def receptive_field(generator: Any) -> int:
    """The frames on one side that a sample of a coqui HifiganGenerator depends on, rounded up."""
    frames, rate = _reach(generator.conv_pre), 1
    resblocks = list(generator.resblocks)
    for number, upsampling in enumerate(generator.ups):
        stride = upsampling.stride[0]
        frames += math.ceil(upsampling.kernel_size[0] / (2 * stride)) / rate
        rate *= stride
        blocks = resblocks[number * generator.num_kernels : (number + 1) * generator.num_kernels]
        frames += max(_serial_reach(block) for block in blocks) / rate
    return math.ceil(frames + _reach(generator.conv_post) / rate)


def _serial_reach(block: Any) -> float:
    return sum(_reach(part) for part in block.modules() if isinstance(part, torch.nn.Conv1d))


def _reach(convolution: Any) -> float:
    """How far a convolution sees to one side, in steps of its own rate."""
    return float((convolution.kernel_size[0] - 1) // 2 * convolution.dilation[0])
