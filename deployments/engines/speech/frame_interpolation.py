"""Linear interpolation of a stream of frames. The result is that of interpolating the whole stream at once."""

import math

import torch


class FrameInterpolation:
    """``torch.nn.functional.interpolate(mode="linear", scale_factor=scale)`` of frames that arrive in pieces.

    Frames are tensors of shape [1, channels, frames]. Each output frame is given as soon as both of its neighbours have
    arrived, so every piece costs as much as it is long.
    """

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._kept: torch.Tensor | None = None
        self._first_kept = 0
        self._given = 0

    def feed(self, frames: torch.Tensor, *, is_last: bool = False) -> torch.Tensor:
        """The next output frames, perhaps none. After the last piece all of them have been given."""
        known = frames if self._kept is None else torch.cat([self._kept, frames], dim=-1)
        total = self._first_kept + known.shape[-1]
        result = self._interpolate(known, total, self._end(total, is_last))
        self._given += result.shape[-1]
        needed = math.floor(self._position(self._given))
        forget = min(max(0, needed - self._first_kept), known.shape[-1])
        self._kept, self._first_kept = known[..., forget:], self._first_kept + forget
        return result

    def _end(self, total: int, is_last: bool) -> int:
        """The end of the output frames whose neighbours are among the first ``total`` frames."""
        whole = math.floor(total * self._scale)
        end = whole if is_last else min(whole, math.ceil((total - 0.5) * self._scale - 0.5))
        return max(self._given, end)

    def _position(self, output: int) -> float:
        return max(0.0, (output + 0.5) / self._scale - 0.5)

    def _interpolate(self, known: torch.Tensor, total: int, end: int) -> torch.Tensor:
        outputs = torch.arange(self._given, end, dtype=torch.float64)
        positions = ((outputs + 0.5) / self._scale - 0.5).clamp(min=0)
        left = positions.floor().long().clamp(max=total - 1)
        right = (left + 1).clamp(max=total - 1)
        weight = (positions - left).to(known.dtype).to(known.device)
        first = self._first_kept
        return known[..., left - first] * (1 - weight) + known[..., right - first] * weight
