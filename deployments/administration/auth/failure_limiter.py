"""How often somebody may fail: a sliding window per key, in memory. Of very many keys those are forgotten that
failed longest ago, and only then those that have used up their limit: other names do not set a guesser free."""

import time
from collections import deque
from collections.abc import Callable

from deployments.contracts.errors import RateLimited

_MOST_KEYS = 10_000


class FailureLimiter:
    """At most ``limit`` failures of one key in ``window_s`` seconds. ``clock`` counts seconds."""

    def __init__(self, limit: int = 5, window_s: float = 300.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self.window_s = window_s
        self._clock = clock
        self._trying: dict[str, deque[float]] = {}
        self._spent: dict[str, deque[float]] = {}

    @property
    def key_count(self) -> int:
        """Of how many keys failures are known."""
        return len(self._trying) + len(self._spent)

    def count_failure(self, key: str) -> int:
        """Counts an attempt as a failure before its outcome is known, so that attempts side by side cannot outrun the
        limit; ``clear`` takes it back. Returns how many are left. Raises RateLimited."""
        now = self._clock()
        failures = self._recent(key, now)
        if len(failures) >= self.limit:
            wait_s = failures[0] + self.window_s - now
            raise RateLimited("too many failed attempts; try again later", retry_after_s=max(wait_s, 1.0))
        failures.append(now)
        self._keep(key, failures, now)
        return self.limit - len(failures)

    def uncount_last(self, key: str) -> None:
        """Forgets the last attempt of ``key``, which was no failure."""
        failures = self._taken(key)
        if len(failures) > 1:
            last = failures.pop()
            self._keep(key, failures, last)

    def reset(self, key: str) -> None:
        """Forgets the failures of ``key``."""
        self._taken(key)

    def _recent(self, key: str, now: float) -> deque[float]:
        failures = self._spent.get(key) or self._trying.get(key) or deque()
        while failures and failures[0] <= now - self.window_s:
            failures.popleft()
        return failures

    def _keep(self, key: str, failures: deque[float], now: float) -> None:
        """Puts ``key`` behind all others, which stay in the order of their last failure, and makes room for it."""
        self._taken(key)
        self._forget_what_is_over(now)
        while self.key_count >= _MOST_KEYS:
            keys = self._trying or self._spent
            del keys[next(iter(keys))]
        keys = self._spent if len(failures) >= self.limit else self._trying
        keys[key] = failures

    def _forget_what_is_over(self, now: float) -> None:
        for keys in (self._trying, self._spent):
            while keys and (not (oldest := keys[next(iter(keys))]) or oldest[-1] <= now - self.window_s):
                del keys[next(iter(keys))]

    def _taken(self, key: str) -> deque[float]:
        return self._trying.pop(key, None) or self._spent.pop(key, None) or deque()
