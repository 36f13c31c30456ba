"""Paces frames on absolute deadlines, so that delays do not accumulate.

Frame ``i`` plays at ``anchor + i * frame_s`` and is sent ``lead_frames`` frames earlier, so the receiver buffers at
most ``lead_frames`` frames. A late frame is sent immediately and the schedule stays. When the buffer of the receiver
has been empty for more than ``tolerance_s`` (underrun), the schedule restarts with the current frame instead of sending
a burst.

Deadlines are multiples of ``GRID_S``, so that the frames of many lines leave together: one wake-up of this process, of
HAProxy and of the client for all of them. A schedule begins up to ``GRID_S`` early for that.
"""

import math

from deployments.telephony.clock import Clock

GRID_S = 0.005


class Pacer:
    """The schedule of one line. Not safe for concurrent use.

    ``underruns`` counts underruns within the current utterance; ``longest_gap_s`` is the longest of them in seconds.
    """

    def __init__(self, clock: Clock, *, frame_s: float = 0.02, lead_frames: int = 3, tolerance_s: float = 0.02) -> None:
        if frame_s <= 0 or lead_frames < 0 or tolerance_s < 0:
            raise ValueError("frame_s must be positive, lead_frames and tolerance_s at least 0")
        self._clock = clock
        self._frame_s, self._lead_frames, self._tolerance_s = frame_s, lead_frames, tolerance_s
        self._anchor: float | None = None
        self._count = 0
        self._at_start = True
        self.underruns = 0
        self.longest_gap_s = 0.0

    def start_utterance(self) -> None:
        """Starts an utterance: silence before it is no underrun. A running schedule continues."""
        self._at_start, self.underruns, self.longest_gap_s = True, 0, 0.0

    def reset(self) -> None:
        """Drops the schedule, because the receiver discarded its buffer (barge-in)."""
        self._anchor = None

    async def wait_until_due(self) -> float:
        """Waits until the next frame is due. Returns how many seconds late it is; 0 for the first of an utterance."""
        deadline = self._play_time(self._clock.now()) - self._lead_frames * self._frame_s
        wait = deadline - self._clock.now()
        if wait > 0:
            await self._clock.sleep(wait)
        now = self._clock.now()
        self._restart_after_underrun(now)
        late_s = 0.0 if self._at_start else max(0.0, now - deadline)
        self._count += 1
        self._at_start = False
        return late_s

    def _play_time(self, now: float) -> float:
        """The time at which the next frame plays."""
        if self._anchor is None:
            self._anchor = self._start_schedule(now)
        return self._anchor + self._count * self._frame_s

    def _start_schedule(self, now: float) -> float:
        """The frame to be sent next plays at the point of the grid before ``now``."""
        self._anchor, self._count = math.floor(now / GRID_S) * GRID_S, 0
        return self._anchor

    def _restart_after_underrun(self, now: float) -> None:
        gap_s = now - self._play_time(now)
        if gap_s <= self._tolerance_s:
            return
        self._start_schedule(now)
        if not self._at_start:
            self.underruns += 1
            self.longest_gap_s = max(self.longest_gap_s, gap_s)
