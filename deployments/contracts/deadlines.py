"""Who is served next: the one whose listener hears silence first (earliest deadline first)."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

from deployments.contracts.playout import Playout

T = TypeVar("T")

_MAX_CALLERS = 1_000


@dataclass(eq=False, slots=True)
class _Entry(Generic[T]):
    item: T
    listener: Playout
    arrival: int


class DeadlineOrder(Generic[T]):
    """Waiting items. ``pop`` reads their deadlines, so that sound which is delivered meanwhile counts.

    Deadlines that have passed are equal: such callers take turns, however many items each of them has. Idle items come
    last. Not thread-safe. ``now`` is the clock of the listeners.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._entries: list[_Entry[T]] = []
        self._arrivals = count()
        self._turns = count(1)
        self._last_turn: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, item: T, listener: Playout) -> None:
        self._entries.append(_Entry(item, listener, next(self._arrivals)))

    def discard(self, item: T) -> None:
        self._entries = [entry for entry in self._entries if entry.item is not item]

    def pop(self, *, allow_idle: bool = True) -> tuple[T, Playout] | None:
        """The most urgent item and its listener. None when nothing waits, or only idle items that are not allowed."""
        if not self._entries:
            return None
        now = self._now()
        best = min(self._entries, key=lambda entry: self._key(entry, now))
        if best.listener.idle and not allow_idle:
            return None
        self._entries.remove(best)
        self._last_turn.pop(best.listener.caller, None)
        self._last_turn[best.listener.caller] = next(self._turns)
        if len(self._last_turn) > _MAX_CALLERS:
            self._last_turn.pop(next(iter(self._last_turn)))
        return best.item, best.listener

    def _key(self, entry: _Entry[T], now: float) -> tuple[float, int, float, int]:
        listener = entry.listener
        return max(listener.due_at, now), self._last_turn.get(listener.caller, 0), listener.due_at, entry.arrival


def idle_places(places: int) -> int:
    """How many of ``places`` idle work may take: one is kept free for listeners where there are several."""
    return max(1, places - 1)


class DeadlinePlaces:
    """``places`` calls at a time on one event loop, the most urgent first. Idle calls run only when nobody waits."""

    def __init__(self, places: int = 1, now: Callable[[], float] = time.monotonic) -> None:
        self._free = places
        self._free_idle = idle_places(places)
        self._waiting: DeadlineOrder[asyncio.Future[None]] = DeadlineOrder(now)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @asynccontextmanager
    async def place(self, listener: Playout) -> AsyncGenerator[None]:
        """Holds a place inside the block."""
        await self.acquire(listener)
        try:
            yield
        finally:
            self.release(listener)

    async def acquire(self, listener: Playout) -> None:
        """Waits for a place. The caller gives it back with ``release`` and the same ``listener``."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(turn, listener)
        self._pass_on()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting.discard(turn)
            else:  # the place was given to this caller meanwhile
                self.release(listener)
            raise

    def release(self, listener: Playout) -> None:
        self._free += 1
        self._free_idle += listener.idle
        self._pass_on()

    def _pass_on(self) -> None:
        while self._free and (found := self._waiting.pop(allow_idle=self._free_idle > 0)) is not None:
            turn, listener = found
            if turn.done():
                continue
            self._free -= 1
            self._free_idle -= listener.idle
            turn.set_result(None)
