"""Frames that are made before they play."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator

from deployments.telephony.frames import FrameEvent


class FramesAhead(AsyncIterator[FrameEvent]):
    """Iterates over the events of ``batches``, which a task reads ahead until ``max_events`` wait; it goes on when half
    of them are taken, so it wakes once for many frames.

    Needs a running event loop from construction on, and must be closed. An error of ``batches`` is raised after the
    events that came before it.
    """

    def __init__(self, batches: AsyncGenerator[list[FrameEvent]], max_events: int) -> None:
        self._batches = batches
        self._max_events = max_events
        self._waiting: deque[FrameEvent] = deque()
        self._changed = asyncio.Event()
        self._has_room = asyncio.Event()
        self._task = asyncio.create_task(self._read())
        self._task.add_done_callback(lambda _: self._changed.set())

    async def __anext__(self) -> FrameEvent:
        while not self._waiting:
            if self._task.done():
                self._task.result()
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        event = self._waiting.popleft()
        if len(self._waiting) <= self._max_events // 2:
            self._has_room.set()
        return event

    async def aclose(self) -> None:
        """Stops reading and closes ``batches``."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._batches.aclose()

    async def _read(self) -> None:
        async for batch in self._batches:
            self._waiting += batch
            self._changed.set()
            if len(self._waiting) >= self._max_events:
                self._has_room.clear()
                await self._has_room.wait()
