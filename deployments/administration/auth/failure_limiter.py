"""Limits failures per key in a sliding window in memory. Above the maximum number of keys, the key with the oldest
failure is dropped; keys that have reached their limit are dropped last, so other keys cannot free a blocked one."""

import time
from collections import deque
from collections.abc import Callable

from deployments.contracts.errors import RateLimited

_MAX_KEYS = 10_000


class FailureLimiter:
    """Allows ``limit`` failures per key in ``window_s`` seconds. ``clock`` returns seconds."""

    def __init__(self, limit: int = 5, window_s: float = 300.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self.window_s = window_s
        self._clock = clock
        self._below_limit: dict[str, deque[float]] = {}
        self._at_limit: dict[str, deque[float]] = {}

    @property
    def key_count(self) -> int:
        """Number of keys with recorded failures."""
        return len(self._below_limit) + len(self._at_limit)

    def count_failure(self, key: str) -> int:
        """Counts an attempt as a failure before its result is known, so that parallel attempts cannot exceed the limit;
        ``reset`` removes it. Returns the number of attempts left. Raises RateLimited."""
        now = self._clock()
        failures = self._recent(key, now)
        if len(failures) >= self.limit:
            wait_s = failures[0] + self.window_s - now
            raise RateLimited("too many failed attempts; try again later", retry_after_s=max(wait_s, 1.0))
        failures.append(now)
        self._store(key, failures, now)
        return self.limit - len(failures)

    def uncount_last(self, key: str) -> None:
        """Removes the last attempt of ``key``, which did not fail."""
        failures = self._pop(key)
        if len(failures) > 1:
            last = failures.pop()
            self._store(key, failures, last)

    def reset(self, key: str) -> None:
        """Removes all failures of ``key``."""
        self._pop(key)

    def _recent(self, key: str, now: float) -> deque[float]:
        failures = self._at_limit.get(key) or self._below_limit.get(key) or deque()
        while failures and failures[0] <= now - self.window_s:
            failures.popleft()
        return failures

    def _store(self, key: str, failures: deque[float], now: float) -> None:
        """Stores ``key`` as the last one, in the order of the last failure, and drops keys above the maximum."""
        self._pop(key)
        self._remove_expired(now)
        while self.key_count >= _MAX_KEYS:
            keys = self._below_limit or self._at_limit
            del keys[next(iter(keys))]
        keys = self._at_limit if len(failures) >= self.limit else self._below_limit
        keys[key] = failures

    def _remove_expired(self, now: float) -> None:
        for keys in (self._below_limit, self._at_limit):
            while keys and (not (oldest := keys[next(iter(keys))]) or oldest[-1] <= now - self.window_s):
                del keys[next(iter(keys))]

    def _pop(self, key: str) -> deque[float]:
        return self._below_limit.pop(key, None) or self._at_limit.pop(key, None) or deque()
