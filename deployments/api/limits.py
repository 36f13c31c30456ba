"""How much one key and one door may do: requests in a minute, answers at once, tokens and sound in a day."""

from collections.abc import Callable

from deployments.api.access_rules import AUDIO, CHAT
from deployments.api.errors import TooManyStreams
from deployments.contracts.concurrency import ConcurrencyLimit, Slot
from deployments.contracts.errors import RateLimited
from deployments.contracts.settings import ApiKey, Limits
from deployments.contracts.shared import SharedRateLimiter
from deployments.conversation.usage_tracker import UsageTracker

_SECONDS_PER_MINUTE = 60.0


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
    """Answers and speeches in progress in this process, in all and per API key."""

    def __init__(self) -> None:
        self._limit = ConcurrencyLimit[int](
            total_message="{limit} answers are in progress; try again in a moment.",
            owner_message="This API key may have {limit} answers in progress at once (concurrent_streams).",
            total_error=TooManyStreams,
        )

    @property
    def live(self) -> int:
        """How many answers and speeches are in progress."""
        return self._limit.in_use

    def acquire(self, limit: int, key: ApiKey | None = None) -> Slot[int]:
        """One slot for the length of a ``with`` block. Raises TooManyStreams when ``limit`` are taken, RateLimited
        when ``key`` holds as many as it may."""
        if key is None:
            return self._limit.acquire(total=limit)
        return self._limit.acquire(key.id, total=limit, per_owner=key.limits.concurrent_streams or None)
