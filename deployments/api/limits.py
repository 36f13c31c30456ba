"""How much one key and one door may do: requests in a minute, answers at once, tokens and sound in a day."""

from collections.abc import Callable

from deployments.api.access_rules import AUDIO, CHAT
from deployments.api.errors import TooManyStreams
from deployments.contracts.errors import RateLimited
from deployments.contracts.settings import ApiKey, Limits
from deployments.contracts.shared import SharedRateLimiter
from deployments.conversation.usage_tracker import UsageTracker

_SECONDS_PER_MINUTE = 60.0
_STREAM_RETRY_S = 2.0


class RequestRateLimiter:
    """A token bucket per key: a minute's allowance at once, refilled evenly. ``clock`` gives seconds.

    The allowance is that of all doors together while ``shared`` can say, else of this one.
    """

    def __init__(self, clock: Callable[[], float], shared: SharedRateLimiter | None = None) -> None:
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
    message = f"This API key may send {per_minute} requests per minute (requests_per_minute)."
    return RateLimited(message, retry_after_s=wait_s)


class ApiKeyLimiter:
    """What each key may still do. ``clock`` gives Unix seconds; ``usage`` knows what was used today.

    A day's budget is looked at before the work, whose price is known after it: what is under way when the budget ends
    is finished.
    """

    def __init__(
        self, clock: Callable[[], float], usage: UsageTracker, shared: SharedRateLimiter | None = None
    ) -> None:
        self.usage = usage
        self._rate = RequestRateLimiter(clock, shared)

    async def admit(self, key: ApiKey, limits: Limits, scope: str | None) -> None:
        """Counts one request to a place of ``scope``. Raises RateLimited, naming the limit."""
        await self._rate.take(key.id, key.limits.requests_per_minute or limits.requests_per_minute)
        self.check_daily_budget(key, scope)

    def check_daily_budget(self, key: ApiKey, scope: str | None) -> None:
        """Raises RateLimited, until midnight UTC, when the key's budget for ``scope`` is used up."""
        limits = key.limits
        if scope == CHAT and limits.tokens_per_day and self.usage.used_today(key.id).tokens >= limits.tokens_per_day:
            raise self._used_up(f"{limits.tokens_per_day} tokens", "tokens_per_day")
        seconds = limits.audio_seconds_per_day
        if scope == AUDIO and seconds and self.usage.used_today(key.id).audio_seconds >= seconds:
            raise self._used_up(f"{seconds} seconds of sound", "audio_seconds_per_day")

    def _used_up(self, amount: str, name: str) -> RateLimited:
        message = f"This API key may use {amount} per day of UTC, and has ({name})."
        return RateLimited(message, retry_after_s=self.usage.seconds_to_midnight())


class StreamSlots:
    """Answers and speeches in progress in this process, in all and per key."""

    def __init__(self) -> None:
        self.live = 0
        self._of_key: dict[int, int] = {}

    def acquire(self, limit: int, key: ApiKey | None = None) -> "_Slot":
        """One slot for the length of a ``with`` block. Raises TooManyStreams when ``limit`` are taken, RateLimited
        when ``key`` holds as many as it may."""
        if self.live >= limit:
            message = f"{limit} answers are in progress; try again in a moment."
            raise TooManyStreams(message, retry_after_s=_STREAM_RETRY_S)
        if key is None or not key.limits.concurrent_streams:
            return _Slot(self, None)
        most = key.limits.concurrent_streams
        if self._of_key.get(key.id, 0) >= most:
            message = f"This API key may have {most} answers in progress at once (concurrent_streams)."
            raise RateLimited(message, retry_after_s=_STREAM_RETRY_S)
        return _Slot(self, key.id)

    def adjust(self, by: int, key_id: int | None) -> None:
        """One more (1) or one less (-1) is in progress."""
        self.live += by
        if key_id is not None:
            count = self._of_key.get(key_id, 0) + by
            self._of_key[key_id] = count
            if not count:
                del self._of_key[key_id]


class _Slot:
    __slots__ = ("_key_id", "_slots")

    def __init__(self, slots: StreamSlots, key_id: int | None) -> None:
        self._slots = slots
        self._key_id = key_id

    def __enter__(self) -> None:
        self._slots.adjust(1, self._key_id)

    def __exit__(self, *_: object) -> None:
        self._slots.adjust(-1, self._key_id)
