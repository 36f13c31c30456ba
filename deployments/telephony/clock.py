"""Time as telephony needs it: monotonic, in seconds, and replaceable."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Monotonic seconds from an arbitrary beginning."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class MonotonicClock:
    """The clock of this process."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
