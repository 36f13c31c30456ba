"""The sound of live sessions, which reaches a replica in short calls while another call yields the events."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager

from deployments.contracts.concurrency import ConcurrencyLimit
from deployments.contracts.errors import Conflict, EngineTimeout, NotFound

_AHEAD_S = 4.0
_SILENT_S = 60.0


class ListeningSessions:
    """At most ``max_sessions`` at once. A session that gets no sound for ``silent_s`` seconds ends with
    EngineTimeout."""

    def __init__(self, max_sessions: int, silent_s: float = _SILENT_S) -> None:
        self._limit = ConcurrencyLimit[str](
            total=max_sessions, total_message="{limit} live sessions are open; try again in a moment", retry_after_s=5
        )
        self._silent_s = silent_s
        self._inboxes: dict[str, SoundInbox] = {}

    @property
    def open_sessions(self) -> int:
        return len(self._inboxes)

    @contextmanager
    def opened(self, session_id: str, bytes_per_second: int) -> Iterator["SoundInbox"]:
        """The inbox of a session, for the time of the block. Raises Overloaded, and Conflict for an id in use."""
        if session_id in self._inboxes:
            raise Conflict("this live session is open already")
        with self._limit.acquire():
            inbox = SoundInbox(int(_AHEAD_S * bytes_per_second), self._silent_s)
            self._inboxes[session_id] = inbox
            try:
                yield inbox
            finally:
                del self._inboxes[session_id]
                inbox.close()

    async def feed(self, session_id: str, sound: bytes, *, last: bool) -> None:
        """Adds sound. Waits while four seconds of it are unheard. Raises NotFound when the session is not here."""
        inbox = self._inboxes.get(session_id)
        if inbox is None:
            raise NotFound("this live session has ended")
        await inbox.put(sound, last=last)


class SoundInbox:
    """Blocks of sound between a caller and the session that hears them."""

    def __init__(self, max_bytes: int, silent_s: float) -> None:
        self._max_bytes = max_bytes
        self._silent_s = silent_s
        self._blocks: deque[bytes] = deque()
        self._size = 0
        self._ended = self._closed = False
        self._changed = asyncio.Condition()

    async def put(self, sound: bytes, *, last: bool) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._size < self._max_bytes or self._closed)
            if sound:
                self._blocks.append(sound)
                self._size += len(sound)
            self._ended = self._ended or last
            self._changed.notify_all()

    async def blocks(self) -> AsyncGenerator[bytes]:
        """The sound until its end. Raises EngineTimeout when none comes."""
        while True:
            async with self._changed:
                try:
                    async with asyncio.timeout(self._silent_s):
                        await self._changed.wait_for(lambda: self._blocks or self._ended)
                except TimeoutError:
                    raise EngineTimeout(f"no sound came for {self._silent_s:g} seconds") from None
                if not self._blocks:
                    return
                block = b"".join(self._blocks)
                self._blocks.clear()
                self._size = 0
                self._changed.notify_all()
            yield block

    def close(self) -> None:
        """Lets callers of ``put`` go on."""
        self._closed = True
        self._size = 0
