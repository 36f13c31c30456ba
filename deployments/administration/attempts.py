"""How often somebody may fail: a sliding window per key, in memory. Of very many keys the quietest are forgotten."""

import time
from collections import deque
from collections.abc import Callable

from deployments.contracts.errors import RateLimited

_MOST_KEYS = 10_000


class Attempts:
    """At most ``limit`` failures of one key in ``window_s`` seconds. ``clock`` counts seconds."""

    def __init__(self, limit: int = 5, window_s: float = 300.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self.window_s = window_s
        self._clock = clock
        self._failures: dict[str, deque[float]] = {}

    def begin(self, key: str) -> int:
        """Counts an attempt as a failure before its outcome is known, so that attempts side by side cannot outrun the
        limit; ``clear`` takes it back. Returns how many are left. Raises RateLimited."""
        now = self._clock()
        failures = self._recent(key, now)
        if len(failures) >= self.limit:
            wait_s = failures[0] + self.window_s - now
            raise RateLimited("too many failed attempts; try again later", retry_after_s=max(wait_s, 1.0))
        failures.append(now)
        self._failures.pop(key, None)
        self._failures[key] = failures  # at the end: the keys stay in the order of their last failure
        while len(self._failures) > _MOST_KEYS:
            del self._failures[next(iter(self._failures))]
        return self.limit - len(failures)

    def take_back(self, key: str) -> None:
        """Forgets the last attempt of ``key``, which was no failure."""
        failures = self._failures.get(key)
        if failures:
            failures.pop()

    def clear(self, key: str) -> None:
        """Forgets the failures of ``key``."""
        self._failures.pop(key, None)

    def _recent(self, key: str, now: float) -> deque[float]:
        failures = self._failures.get(key, deque())
        while failures and failures[0] <= now - self.window_s:
            failures.popleft()
        return failures
