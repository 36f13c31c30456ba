"""The clock of telephony: monotonic seconds, replaceable in tests."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Monotonic seconds with an arbitrary origin."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class MonotonicClock:
    """The monotonic clock. Sleeps that end in the same millisecond share one timer."""

    def __init__(self) -> None:
        self._sleeping: dict[int, list[asyncio.Future[None]]] = {}

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end_ms = round((self.now() + seconds) * 1000)
        if (sleeping := self._sleeping.get(end_ms)) is None:
            sleeping = self._sleeping[end_ms] = []
            loop.call_later(seconds, self._wake, end_ms)
        ended = loop.create_future()
        sleeping.append(ended)
        await ended

    def _wake(self, end_ms: int) -> None:
        for ended in self._sleeping.pop(end_ms):
            if not ended.done():
                ended.set_result(None)
