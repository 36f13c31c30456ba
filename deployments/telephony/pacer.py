"""When each frame may leave: absolute deadlines, so that waiting a little too long never adds up.

Frame ``i`` is played at ``anchor + i * frame_s`` and leaves ``lead`` frames before that. A receiver therefore never
holds more than ``lead`` frames (and ``tolerance_s``) beside the one it plays, and that is how long it can go on without
us. Frames that are late by less leave at once and the schedule stays. When the receiver has run dry by more than
``tolerance_s``, the schedule starts anew at that moment: what was lost is not sent as a burst.
"""

from deployments.telephony.clock import Clock


class Pacer:
    """The schedule of one line. Times in seconds; ``lead`` in frames.

    ``underruns`` counts how often the receiver ran dry in the middle of an utterance, ``worst_s`` for how long at
    most. One task at a time.
    """

    def __init__(self, clock: Clock, *, frame_s: float = 0.02, lead_frames: int = 3, tolerance_s: float = 0.02) -> None:
        if frame_s <= 0 or lead_frames < 0 or tolerance_s < 0:
            raise ValueError("frame_s must be positive, lead and tolerance_s at least 0")
        self._clock = clock
        self._frame_s, self._lead, self._tolerance_s = frame_s, lead_frames, tolerance_s
        self._anchor: float | None = None
        self._count = 0
        self._fresh = True
        self.underruns = 0
        self.longest_gap_s = 0.0

    def start_utterance(self) -> None:
        """A new utterance: silence before it is no underrun. A schedule that is still running goes on."""
        self._fresh, self.underruns, self.longest_gap_s = True, 0, 0.0

    def reset(self) -> None:
        """The receiver has thrown away what it held (the caller interrupted)."""
        self._anchor = None

    async def wait_until_due(self) -> float:
        """Returns when the next frame may leave; the result is by how many seconds it leaves late.

        The first frame of an utterance is never late.
        """
        deadline = self._played_at(self._clock.now()) - self._lead * self._frame_s
        wait = deadline - self._clock.now()
        if wait > 0:
            await self._clock.sleep(wait)
        now = self._clock.now()
        self._restart_if_dry(now)
        late_s = 0.0 if self._fresh else max(0.0, now - deadline)
        self._count += 1
        self._fresh = False
        return late_s

    def _played_at(self, now: float) -> float:
        """When the next frame is played."""
        if self._anchor is None:
            self._anchor, self._count = now, 0
        return self._anchor + self._count * self._frame_s

    def _restart_if_dry(self, now: float) -> None:
        dry_s = now - self._played_at(now)
        if dry_s <= self._tolerance_s:
            return
        self._anchor, self._count = now, 0
        if not self._fresh:
            self.underruns += 1
            self.longest_gap_s = max(self.longest_gap_s, dry_s)
