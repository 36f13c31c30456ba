"""Open phone lines. A line holds its place among all calls also while nothing is spoken on it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from deployments.contracts.errors import RateLimited
from deployments.contracts.settings import ApiKey

_RETRY_S = 2.0


class OpenLines:
    """Those of one process. A key with ``concurrent_streams`` opens no more of them at once than that; one without
    may be the gateway that brings all calls, and has no limit."""

    def __init__(self) -> None:
        self._open: Counter[int] = Counter()

    @contextmanager
    def acquire(self, key: ApiKey) -> Iterator[None]:
        """One line for the length of a ``with`` block. Raises RateLimited when ``key`` has all it may have."""
        most = key.limits.concurrent_streams
        if most and self._open[key.id] >= most:
            message = f"This API key may have {most} lines open at once (concurrent_streams)."
            raise RateLimited(message, retry_after_s=_RETRY_S)
        self._open[key.id] += 1
        try:
            yield
        finally:
            self._open[key.id] -= 1
            if not self._open[key.id]:
                del self._open[key.id]
