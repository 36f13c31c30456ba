"""Limits of API keys: requests per minute, concurrent answers, tokens and audio per day."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from deployments.api.access_rules import AUDIO, CHAT
from deployments.api.errors import TooManyStreams
from deployments.contracts.api_key import ApiKey
from deployments.contracts.concurrency import ConcurrencyLimit, Slot
from deployments.contracts.errors import RateLimited
from deployments.contracts.provider_errors import BudgetUsed
from deployments.contracts.settings import Limits
from deployments.contracts.shared import SharedRateLimiter
from deployments.conversation.usage_tracker import UsageTracker

_SECONDS_PER_MINUTE = 60.0


class RequestRateLimiter:
    """A token bucket per key with the capacity of one minute. ``clock`` gives seconds.

    All doors share the bucket while ``shared`` is available; otherwise each process counts for itself.
    """

    def __init__(self, clock: Callable[[], float], shared: SharedRateLimiter | None = None) -> None:
        self._clock = clock
        self._shared = shared
        self._buckets: dict[int, tuple[float, float]] = {}

    async def take(self, key_id: int, per_minute: int) -> None:
        """Counts one request. ``per_minute`` 0 means no limit. Raises RateLimited with the wait in
        ``retry_after_s``."""
        if not per_minute:
            return
        wait_s = await self._shared.take(f"key:{key_id}", per_minute) if self._shared else None
        if wait_s is None:
            self._take_local(key_id, per_minute)
        elif wait_s > 0:
            raise _rate_error(per_minute, wait_s)

    def _take_local(self, key_id: int, per_minute: int) -> None:
        now, rate = self._clock(), per_minute / _SECONDS_PER_MINUTE
        tokens, since = self._buckets.get(key_id, (float(per_minute), now))
        tokens = min(float(per_minute), tokens + max(0.0, now - since) * rate)
        if tokens < 1:
            self._buckets[key_id] = (tokens, now)
            raise _rate_error(per_minute, (1 - tokens) / rate)
        self._buckets[key_id] = (tokens - 1, now)


def _rate_error(per_minute: int, wait_s: float) -> RateLimited:
    message = f"This API key may send {per_minute} requests per minute (requests_per_minute)."
    return RateLimited(message, retry_after_s=wait_s)


class ApiKeyLimiter:
    """Enforces the limits of each key. ``clock`` gives Unix seconds; ``usage`` holds today's usage.

    The daily budget is checked before a request, and its cost is known after it. A request in progress when the budget
    ends is finished.
    """

    def __init__(
        self, clock: Callable[[], float], usage: UsageTracker, shared: SharedRateLimiter | None = None
    ) -> None:
        self.usage = usage
        self._rate = RequestRateLimiter(clock, shared)

    async def admit(self, key: ApiKey, limits: Limits, scope: str | None) -> None:
        """Counts one request that needs ``scope``. Raises RateLimited that names the limit."""
        await self._rate.take(key.id, key.limits.requests_per_minute or limits.requests_per_minute)
        self.check_daily_budget(key, scope)

    def check_daily_budget(self, key: ApiKey, scope: str | None) -> None:
        """Raises RateLimited until midnight UTC when the daily budget of the key for ``scope`` is used up."""
        limits = key.limits
        if scope == CHAT and limits.tokens_per_day and self.usage.used_today(key.id).tokens >= limits.tokens_per_day:
            raise self._budget_error(f"{limits.tokens_per_day} tokens", "tokens_per_day")
        if scope == CHAT and limits.cost_per_day and self.usage.used_today(key.id).cost >= limits.cost_per_day:
            raise BudgetUsed(
                f"This API key has spent its {limits.cost_per_day:g} US dollars per day (UTC, cost_per_day).",
                retry_after_s=self.usage.seconds_to_midnight(),
            )
        seconds = limits.audio_seconds_per_day
        if scope == AUDIO and seconds and self.usage.used_today(key.id).audio_seconds >= seconds:
            raise self._budget_error(f"{seconds} seconds of audio", "audio_seconds_per_day")

    def _budget_error(self, amount: str, name: str) -> RateLimited:
        message = f"This API key has used its {amount} per day (UTC, {name})."
        return RateLimited(message, retry_after_s=self.usage.seconds_to_midnight())


class StreamSlots:
    """Answers and speeches in progress in this process, in all and per API key. ``wait_s``: how long a request of
    ``waited_for`` may wait for others to end."""

    def __init__(self, wait_s: float = 2.0) -> None:
        self._wait_s = wait_s
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
        """One slot, released at the end of a ``with`` block. Raises TooManyStreams when ``limit`` slots are taken,
        RateLimited when ``key`` holds ``concurrent_streams`` slots."""
        if key is None:
            return self._limit.acquire(total=limit)
        return self._limit.acquire(key.id, total=limit, per_owner=key.limits.concurrent_streams or None)

    @asynccontextmanager
    async def waited_for(self, limit: int, key: ApiKey | None) -> AsyncIterator[None]:
        """Holds a slot. After a gateway was killed, the requests that waited for the new one arrive together: those
        that find no free slot wait. Raises what ``acquire`` raises."""
        owner, per_owner = (key.id, key.limits.concurrent_streams or None) if key else (None, None)
        with await self._limit.wait(self._wait_s, owner, total=limit, per_owner=per_owner):
            yield
