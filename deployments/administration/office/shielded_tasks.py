"""Tasks that run to their end when their caller is cancelled."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from deployments.contracts.errors import Unavailable

T = TypeVar("T")


class ShieldedTasks:
    """Keeps a commit and what follows it together: a cancelled caller does not interrupt them."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[object]] = set()
        self._closed = False

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Awaits ``work`` in a task of its own. Raises what it raises; Unavailable after ``close``."""
        if self._closed:
            raise Unavailable("the office is closing")
        task = asyncio.create_task(_call(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Refuses new work and waits for the running tasks."""
        self._closed = True
        await asyncio.gather(*self._running, return_exceptions=True)


async def _call(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
