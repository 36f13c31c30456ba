"""The newest snapshot and everybody who wants to hear of it: committed changes go in, one stream per subscriber out."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deployments.contracts.settings import Snapshot


@dataclass(frozen=True, slots=True)
class SubscriberState:
    """One open stream: ``revision`` is the last one handed over, ``since`` when the stream was opened (UTC)."""

    name: str
    revision: int
    since: datetime


@dataclass(eq=False, slots=True)
class _Listener:
    name: str
    revision: int
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class SnapshotPublisher:
    """Hands every subscriber the newest snapshot; a slow one skips what it missed and gets the newest."""

    def __init__(self, current: Snapshot) -> None:
        self._current = current
        self._listeners: list[_Listener] = []
        self._closed = False

    @property
    def current(self) -> Snapshot:
        """The last published snapshot."""
        return self._current

    def publish(self, snapshot: Snapshot) -> None:
        """Makes ``snapshot`` current and wakes every subscriber; one that is not newer than the current is ignored."""
        if snapshot.revision > self._current.revision:
            self._current = snapshot
            self._wake_all()

    async def subscribe(self, after_revision: int, subscriber: str) -> AsyncGenerator[Snapshot, None]:
        """The current snapshot at once if the subscriber has another revision, then each later one until ``close``.

        A subscriber ahead of the office has seen a database that was since restored from a backup: it gets the current
        snapshot too.
        """
        listener = _Listener(subscriber, after_revision)
        self._listeners.append(listener)
        try:
            while not self._closed:
                if listener.revision != self._current.revision:
                    listener.revision = self._current.revision
                    yield self._current
                else:
                    listener.wake.clear()
                    await listener.wake.wait()
        finally:
            self._listeners.remove(listener)

    def subscribers(self) -> tuple[SubscriberState, ...]:
        """Everybody who listens now, by name."""
        states = (SubscriberState(each.name, each.revision, each.since) for each in self._listeners)
        return tuple(sorted(states, key=lambda state: (state.name, state.since)))

    def close(self) -> None:
        """Ends every stream."""
        self._closed = True
        self._wake_all()

    def _wake_all(self) -> None:
        for listener in self._listeners:
            listener.wake.set()
