"""When a listener hears silence: the deadline of speech that is being made."""

import math
import time
from collections.abc import Callable


class Playout:
    """The sound that one listener has not heard yet, estimated from what was delivered.

    ``due_in`` and ``caller`` are those of ``SpeechRequest``; ``paced``: the caller knows when silence is heard. ``now``
    gives monotonic seconds; ``due_at`` is a time of this clock.
    """

    def __init__(
        self, due_in: float | None = None, caller: str = "", now: Callable[[], float] = time.monotonic
    ) -> None:
        self._now = now
        self.caller = caller
        self.paced = due_in is not None and not math.isinf(due_in)
        self.due_at = now() + (due_in or 0.0)

    @property
    def due_in(self) -> float:
        """Seconds until the listener hears silence; 0 when it does so already."""
        return max(0.0, self.due_at - self._now())

    @property
    def idle(self) -> bool:
        """Whether nobody listens: the work may wait for ever."""
        return math.isinf(self.due_at)

    def add(self, seconds: float) -> None:
        """Counts sound that was delivered. It plays after what was delivered before, or now."""
        self.due_at = max(self.due_at, self._now()) + seconds
