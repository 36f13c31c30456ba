"""Sockets that have not shown a key yet. Whoever opens many of them takes no room from callers who have one."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from deployments.contracts.errors import Overloaded, RateLimited

_RETRY_S = 1.0


class UnauthenticatedLimit:
    """At most ``most`` sockets wait in one process, and ``most_of_one`` of them for the same network."""

    def __init__(self, max_sockets: int, max_sockets_per_network: int) -> None:
        self._most = max_sockets
        self._most_of_one = max_sockets_per_network
        self._waiting: Counter[str] = Counter()

    @property
    def network_count(self) -> int:
        """How many networks have a socket here."""
        return len(self._waiting)

    @contextmanager
    def acquire(self, network: str) -> Iterator[None]:
        """One place for the length of a ``with`` block. Raises RateLimited when ``network`` has all it may have,
        Overloaded when all places are taken."""
        if self._waiting[network] >= self._most_of_one:
            message = f"{self._most_of_one} lines from your address wait for their key; send it in the handshake."
            raise RateLimited(message, retry_after_s=_RETRY_S)
        if self._waiting.total() >= self._most:
            raise Overloaded(f"{self._most} lines wait for their key; try again in a moment.", retry_after_s=_RETRY_S)
        self._waiting[network] += 1
        try:
            yield
        finally:
            self._waiting[network] -= 1
            if not self._waiting[network]:
                del self._waiting[network]
