"""Keeps the newest snapshot in this process. Reconnects to the office when the stream breaks."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from deployments.contracts.reports import OfficeLink
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.streams import Closing
from deployments.contracts.timeouts import wait_for_event

log = logging.getLogger(__name__)

_FIRST_RETRY_S = 0.1
_LAST_RETRY_S = 2.0


class SnapshotFeed:
    """Holds one snapshot stream open and reopens it with backoff. Implements ``SnapshotSource``.

    ``prepare`` runs in a thread before a new snapshot becomes ``current``, so that indexes derived from the snapshot
    are ready with it.
    """

    def __init__(
        self, link: OfficeLink, subscriber: str, prepare: Callable[[Snapshot], None] = lambda snapshot: None
    ) -> None:
        self._link = link
        self._subscriber = subscriber
        self._prepare = prepare
        self._current = Snapshot()
        self._arrived = asyncio.Event()
        self._received = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def current(self) -> Snapshot:
        return self._current

    @property
    def ready(self) -> bool:
        return self._arrived.is_set()

    async def wait(self, timeout_s: float) -> bool:
        """Waits for the first snapshot. Returns whether it arrived within ``timeout_s``."""
        return await wait_for_event(self._arrived, timeout_s)

    def start(self) -> None:
        self._task = self._task or asyncio.create_task(self._follow(), name=f"snapshots of {self._subscriber}")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _follow(self) -> None:
        pause = _FIRST_RETRY_S
        while True:
            before = self._received
            try:
                await self._read()
            except Exception as error:
                log.debug("snapshot stream of %s broke: %s", self._subscriber, type(error).__name__)
            if self._received > before:
                pause = _FIRST_RETRY_S
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LAST_RETRY_S)

    async def _read(self) -> None:
        """Reads one stream to its end."""
        after = self._current.revision if self.ready else -1
        async with Closing(self._link.snapshots(after, self._subscriber)) as snapshots:
            async for snapshot in snapshots:
                await asyncio.to_thread(self._prepare, snapshot)
                self._current = snapshot
                self._received += 1
                self._arrived.set()


async def iter_snapshots(changes: asyncio.Queue[Snapshot]) -> AsyncIterator[Snapshot]:
    """Yields every snapshot that is put into ``changes``. Never ends."""
    while True:
        yield await changes.get()
