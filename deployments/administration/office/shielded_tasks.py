"""Work that is brought to its end although whoever asked for it has gone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from deployments.contracts.errors import Unavailable

T = TypeVar("T")


class ShieldedTasks:
    """What is stored and what is done about it belong together: a caller who leaves in between tears them apart."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[object]] = set()
        self._closed = False

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Runs ``work`` to its end. Raises what it raises, Unavailable when the office is closing."""
        if self._closed:
            raise Unavailable("the office is closing")
        task = asyncio.create_task(_run(work))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Refuses new work and waits for what is under way."""
        self._closed = True
        await asyncio.gather(*self._under_way, return_exceptions=True)


async def _run(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
