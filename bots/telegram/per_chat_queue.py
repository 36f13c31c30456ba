"""One lane per chat: updates of a chat are handled in order and one at a time, chats go on side by side, and every
queue has an end."""

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
class _Lane:
    waiting: deque[Update] = field(default_factory=deque)
    told_busy: bool = False


class PerChatQueue:
    """Holds the tasks that handle updates. ``overflowed`` hears once per jam about a message that had no place."""

    def __init__(self, handle: UpdateHandler, on_overflow: UpdateHandler, limits: BotLimits) -> None:
        self._handle = handle
        self._overflowed = on_overflow
        self._tuning = limits
        self._lanes: dict[int, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._unfinished: dict[int, Update] = {}
        self._turns = asyncio.Semaphore(limits.max_concurrent_turns)
        self._room = asyncio.Event()
        self._room.set()

    @property
    def unfinished(self) -> tuple[Update, ...]:
        """What was taken in and not handled to the end, oldest first."""
        return tuple(self._unfinished.values())

    async def put(self, chat_id: int, update: Update) -> None:
        """Takes ``update`` in. Waits while ``waiting_overall`` are taken in; a full lane drops the update."""
        await self._room.wait()
        lane = self._lanes.get(chat_id)
        if lane is None:
            lane = self._lanes[chat_id] = _Lane()
            self._admit(lane, update)
            self._spawn(self._work(chat_id, lane))
        elif len(lane.waiting) < self._tuning.max_waiting_per_chat:
            self._admit(lane, update)
        elif not lane.told_busy:
            lane.told_busy = True
            self._spawn(self._guarded(self._overflowed, update))

    async def drain(self, grace_s: float) -> None:
        """Gives what was taken in ``grace_s`` to finish, then cancels the rest."""
        tasks = set(self._tasks)
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=grace_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _admit(self, lane: _Lane, update: Update) -> None:
        lane.waiting.append(update)
        self._unfinished[update.update_id] = update
        if len(self._unfinished) >= self._tuning.max_waiting_overall:
            self._room.clear()

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, lane_id: int, lane: _Lane) -> None:
        try:
            while lane.waiting:
                update = lane.waiting.popleft()
                async with self._turns:
                    await self._guarded(self._handle, update)
                self._done(update)
        finally:
            del self._lanes[lane_id]

    def _done(self, update: Update) -> None:
        self._unfinished.pop(update.update_id, None)
        self._room.set()

    async def _guarded(self, handle: UpdateHandler, update: Update) -> None:
        """A lane outlives whatever a handler raises."""
        try:
            await handle(update)
        except Exception:
            log.exception("update %d was not handled", update.update_id)
