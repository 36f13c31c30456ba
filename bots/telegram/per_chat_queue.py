"""Handles the updates of each chat in order and one at a time, and the updates of different chats concurrently. All
queues are bounded."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiogram.types import Update

from bots.telegram.bot_limits import BotLimits

log = logging.getLogger(__name__)

UpdateHandler = Callable[[Update], Awaitable[None]]


@dataclass(slots=True)
class _ChatQueue:
    waiting: deque[Update] = field(default_factory=deque)
    overflow_reported: bool = False


class PerChatQueue:
    """Owns the tasks that handle updates. ``on_overflow`` is called for the first update that a full queue drops."""

    def __init__(self, handle: UpdateHandler, on_overflow: UpdateHandler, limits: BotLimits) -> None:
        self._handle = handle
        self._on_overflow = on_overflow
        self._limits = limits
        self._queues: dict[int, _ChatQueue] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._unfinished: dict[int, Update] = {}
        self._turn_slots = asyncio.Semaphore(limits.max_concurrent_turns)
        self._has_capacity = asyncio.Event()
        self._has_capacity.set()

    @property
    def unfinished(self) -> tuple[Update, ...]:
        """The accepted updates that are not handled yet, oldest first."""
        return tuple(self._unfinished.values())

    async def put(self, chat_id: int, update: Update) -> None:
        """Accepts ``update``. Waits while ``max_waiting_overall`` updates are unfinished. A full queue drops it."""
        await self._has_capacity.wait()
        queue = self._queues.get(chat_id)
        if queue is None:
            queue = self._queues[chat_id] = _ChatQueue()
            self._append(queue, update)
            self._spawn(self._run_chat(chat_id, queue))
        elif len(queue.waiting) < self._limits.max_waiting_per_chat:
            self._append(queue, update)
        elif not queue.overflow_reported:
            queue.overflow_reported = True
            self._spawn(self._handle_safely(self._on_overflow, update))

    async def drain(self, grace_s: float) -> None:
        """Waits up to ``grace_s`` for the accepted updates, then cancels the rest."""
        tasks = set(self._tasks)
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=grace_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _append(self, queue: _ChatQueue, update: Update) -> None:
        queue.waiting.append(update)
        self._unfinished[update.update_id] = update
        if len(self._unfinished) >= self._limits.max_waiting_overall:
            self._has_capacity.clear()

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_chat(self, chat_id: int, queue: _ChatQueue) -> None:
        try:
            while queue.waiting:
                update = queue.waiting.popleft()
                async with self._turn_slots:
                    await self._handle_safely(self._handle, update)
                self._remove(update)
        finally:
            del self._queues[chat_id]

    def _remove(self, update: Update) -> None:
        self._unfinished.pop(update.update_id, None)
        self._has_capacity.set()

    async def _handle_safely(self, handle: UpdateHandler, update: Update) -> None:
        """Logs an exception of the handler, so that the queue continues with the next update."""
        try:
            await handle(update)
        except Exception:
            log.exception("update %d was not handled", update.update_id)
