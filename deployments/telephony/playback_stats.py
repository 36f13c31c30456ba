"""Counters of one utterance that is being played."""

from dataclasses import dataclass


@dataclass(slots=True)
class PlaybackStats:
    """Statistics of what was sent. ``first_frame_s`` counts from the request; None before the first frame.
    ``substitutions`` counts how often another voice went on."""

    frames: int = 0
    first_frame_s: float | None = None
    underruns: int = 0
    longest_gap_s: float = 0.0
    substitutions: int = 0
