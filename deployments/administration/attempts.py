"""How often somebody may fail: a sliding window per key, in memory."""

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
        self._make_room(now)
        failures.append(now)
        self._failures[key] = failures
        return self.limit - len(failures)

    def clear(self, key: str) -> None:
        """Forgets the failures of ``key``."""
        self._failures.pop(key, None)

    def _recent(self, key: str, now: float) -> deque[float]:
        failures = self._failures.get(key, deque())
        while failures and failures[0] <= now - self.window_s:
            failures.popleft()
        return failures

    def _make_room(self, now: float) -> None:
        if len(self._failures) < _MOST_KEYS:
            return
        self._failures = {k: f for k, f in self._failures.items() if f and f[-1] > now - self.window_s}
        while len(self._failures) >= _MOST_KEYS:
            self._failures.pop(next(iter(self._failures)))
