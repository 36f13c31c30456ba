"""Which of several links is used: the one that worked last, then the others in their order, broken ones at the end."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_FIRST_COOLDOWN_S = 5.0
_MAX_COOLDOWN_S = 300.0


@dataclass(slots=True)
class LinkState:
    """What is known of a link. ``latency_ms`` and ``status`` are those of the last probe, ``checked_at`` its time.
    ``failures`` counts failures in a row; the link is broken until it succeeds again."""

    failures: int = 0
    retry_at: float = 0.0
    error: str = ""
    latency_ms: float | None = None
    status: int | None = None
    checked_at: float | None = None

    @property
    def broken(self) -> bool:
        return self.failures > 0


@dataclass(frozen=True, slots=True)
class LinkSwitch:
    """A change of the current link. ``at`` is in seconds of ``LinkPool``'s wall clock."""

    before: int
    after: int
    reason: str
    at: float


class LinkPool:
    """``clock`` is monotonic, ``wall_clock`` is for people. Both in seconds."""

    def __init__(
        self,
        size: int,
        current: int = 0,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._wall_clock = wall_clock
        self.links = tuple(LinkState() for _ in range(size))
        self.current = current if 0 <= current < size else 0
        self.last_switch: LinkSwitch | None = None

    def order(self) -> Sequence[int]:
        """Indexes in the order of attempts: those that work beginning with the current one, then the broken ones, the
        one whose next probe is due first."""
        size = len(self.links)
        ring = [(self.current + step) % size for step in range(size)]
        broken = sorted((i for i in ring if self.links[i].broken), key=lambda i: self.links[i].retry_at)
        return [*(i for i in ring if not self.links[i].broken), *broken]

    def succeeded(self, index: int) -> None:
        """A request went through: the link is kept as the current one."""
        state = self.links[index]
        state.failures, state.error = 0, ""
        if index != self.current:
            self._switch(index, self.links[self.current].error or "the one before was broken")

    def failed(self, index: int, reason: str) -> None:
        state = self.links[index]
        wait = min(_FIRST_COOLDOWN_S * 2 ** min(state.failures, 10), _MAX_COOLDOWN_S)
        state.failures += 1
        state.error, state.retry_at = reason, self._clock() + wait

    def probed(self, index: int, latency_ms: float, status: int) -> None:
        """A probe got an answer. The current link stays the current one."""
        state = self.links[index]
        state.failures, state.error = 0, ""
        state.latency_ms, state.status, state.checked_at = latency_ms, status, self._wall_clock()

    def probe_failed(self, index: int, reason: str) -> None:
        self.failed(index, reason)
        self.links[index].latency_ms = self.links[index].status = None
        self.links[index].checked_at = self._wall_clock()

    def due(self) -> Sequence[int]:
        """Broken links whose cooldown is over."""
        now = self._clock()
        return [index for index, state in enumerate(self.links) if state.broken and state.retry_at <= now]

    @property
    def next_due_s(self) -> float | None:
        """Seconds until a broken link is due; None when none is broken."""
        broken = [state.retry_at for state in self.links if state.broken]
        return max(0.0, min(broken) - self._clock()) if broken else None

    def _switch(self, index: int, reason: str) -> None:
        self.last_switch = LinkSwitch(self.current, index, reason, self._wall_clock())
        self.current = index
