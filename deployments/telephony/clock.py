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
    """The monotonic clock and asyncio sleep."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
