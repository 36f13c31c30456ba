"""How much one key and one door may do at once."""

from collections.abc import Callable

from deployments.api.errors import TooManyStreams
from deployments.contracts.errors import RateLimited
from deployments.contracts.shared import SharedCounters

_SECONDS_PER_MINUTE = 60.0
_STREAM_RETRY_S = 2.0


class RequestRate:
    """A token bucket per key: a minute's allowance at once, refilled evenly. ``clock`` gives seconds.

    The allowance is that of all doors together while ``shared`` can say, else of this one.
    """

    def __init__(self, clock: Callable[[], float], shared: SharedCounters | None = None) -> None:
        self._clock = clock
        self._shared = shared
        self._buckets: dict[int, tuple[float, float]] = {}

    async def take(self, key_id: int, per_minute: int) -> None:
        """Counts one request. ``per_minute`` 0 means no limit. Raises RateLimited with the time until the next one."""
        if not per_minute:
            return
        wait_s = await self._shared.take(f"key:{key_id}", per_minute) if self._shared else None
        if wait_s is None:
            self._take_here(key_id, per_minute)
        elif wait_s > 0:
            raise _limited(per_minute, wait_s)

    def _take_here(self, key_id: int, per_minute: int) -> None:
        now, rate = self._clock(), per_minute / _SECONDS_PER_MINUTE
        tokens, since = self._buckets.get(key_id, (float(per_minute), now))
        tokens = min(float(per_minute), tokens + max(0.0, now - since) * rate)
        if tokens < 1:
            self._buckets[key_id] = (tokens, now)
            raise _limited(per_minute, (1 - tokens) / rate)
        self._buckets[key_id] = (tokens - 1, now)


def _limited(per_minute: int, wait_s: float) -> RateLimited:
    return RateLimited(f"This API key may send {per_minute} requests per minute.", retry_after_s=wait_s)


class StreamSlots:
    """Answers and speeches in progress in this process."""

    def __init__(self) -> None:
        self.live = 0

    def hold(self, limit: int) -> "_Slot":
        """One slot for the length of a ``with`` block. Raises TooManyStreams when ``limit`` are taken."""
        if self.live >= limit:
            message = f"{limit} answers are in progress; try again in a moment."
            raise TooManyStreams(message, retry_after_s=_STREAM_RETRY_S)
        return _Slot(self)


class _Slot:
    __slots__ = ("_slots",)

    def __init__(self, slots: StreamSlots) -> None:
        self._slots = slots

    def __enter__(self) -> None:
        self._slots.live += 1

    def __exit__(self, *_: object) -> None:
        self._slots.live -= 1
