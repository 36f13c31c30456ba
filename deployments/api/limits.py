"""How much one key and one door may do at once."""

from collections.abc import Callable

from deployments.api.errors import TooManyStreams
from deployments.contracts.errors import RateLimited

_SECONDS_PER_MINUTE = 60.0
_STREAM_RETRY_S = 2.0


class RequestRate:
    """A token bucket per key: a minute's allowance at once, refilled evenly. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[int, tuple[float, float]] = {}

    def take(self, key_id: int, per_minute: int) -> None:
        """Counts one request. ``per_minute`` 0 means no limit. Raises RateLimited with the time until the next one."""
        if not per_minute:
            return
        now, rate = self._clock(), per_minute / _SECONDS_PER_MINUTE
        tokens, since = self._buckets.get(key_id, (float(per_minute), now))
        tokens = min(float(per_minute), tokens + max(0.0, now - since) * rate)
        if tokens < 1:
            self._buckets[key_id] = (tokens, now)
            message = f"This API key may send {per_minute} requests per minute."
            raise RateLimited(message, retry_after_s=(1 - tokens) / rate)
        self._buckets[key_id] = (tokens - 1, now)


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
