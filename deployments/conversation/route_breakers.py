"""Circuit breakers of routes: a route that keeps failing is tried last, until a probe after a cooldown succeeds."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from deployments.conversation.model_choice import ChatRoute

_FAILURES_TO_OPEN = 2
_COOLDOWN_S = 30.0


@dataclass(slots=True)
class _Breaker:
    failures: int = 0
    closed_at: float = 0.0

    @property
    def opened(self) -> bool:
        return self.failures >= _FAILURES_TO_OPEN


class RouteBreakers:
    """Counts failures of routes in a row. ``clock`` returns seconds of a monotonic clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, cooldown_s: float = _COOLDOWN_S) -> None:
        self._clock = clock
        self._cooldown_s = cooldown_s
        self._breakers: dict[str, _Breaker] = {}

    def order(self, routes: Iterable[ChatRoute]) -> list[ChatRoute]:
        """``routes`` in the order of attempts: those with an open breaker last. When the cooldown of a route is over,
        one caller gets it in its place again, as a probe."""
        return sorted(routes, key=lambda route: self._is_open(route.name))

    def open_routes(self) -> frozenset[str]:
        """The routes that failed twice in a row and have not succeeded since."""
        return frozenset(route for route, breaker in self._breakers.items() if breaker.opened)

    def succeeded(self, route: str) -> None:
        self._breakers.pop(route, None)

    def failed(self, route: str) -> None:
        breaker = self._breakers.setdefault(route, _Breaker())
        breaker.failures += 1
        breaker.closed_at = self._clock() + self._cooldown_s

    def _is_open(self, route: str) -> bool:
        breaker = self._breakers.get(route)
        if breaker is None or not breaker.opened:
            return False
        if self._clock() < breaker.closed_at:
            return True
        breaker.closed_at = self._clock() + self._cooldown_s
        return False
