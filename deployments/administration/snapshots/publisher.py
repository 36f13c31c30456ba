"""Publication of snapshots: a committed change comes in, every subscriber gets the newest snapshot."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deployments.contracts.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class SubscriberState:
    """One open stream: ``revision`` is the last one sent, ``since`` when the stream was opened (UTC)."""

    name: str
    revision: int
    since: datetime


@dataclass(eq=False, slots=True)
class _Subscription:
    name: str
    revision: int
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class SnapshotPublisher:
    """Sends every subscriber the newest snapshot. A slow subscriber skips the revisions in between."""

    def __init__(self, current: Snapshot) -> None:
        self._current = current
        self._subscriptions: list[_Subscription] = []
        self._closed = False

    @property
    def current(self) -> Snapshot:
        """The last published snapshot."""
        return self._current

    def publish(self, snapshot: Snapshot) -> None:
        """Makes ``snapshot`` current and wakes every subscriber. An older or equal revision is ignored."""
        if snapshot.revision > self._current.revision:
            self._current = snapshot
            self._wake_all()

    async def subscribe(self, after_revision: int, subscriber: str) -> AsyncGenerator[Snapshot, None]:
        """Yields the current snapshot at once if the subscriber has another revision, then each later one until
        ``close``.

        A subscriber with a higher revision read it before the database was restored from a backup; it gets the current
        snapshot too.
        """
        subscription = _Subscription(subscriber, after_revision)
        self._subscriptions.append(subscription)
        try:
            while not self._closed:
                if subscription.revision != self._current.revision:
                    subscription.revision = self._current.revision
                    yield self._current
                else:
                    subscription.wake.clear()
                    await subscription.wake.wait()
        finally:
            self._subscriptions.remove(subscription)

    def subscribers(self) -> tuple[SubscriberState, ...]:
        """The open streams, ordered by name."""
        states = (SubscriberState(each.name, each.revision, each.since) for each in self._subscriptions)
        return tuple(sorted(states, key=lambda state: (state.name, state.since)))

    def close(self) -> None:
        """Ends every stream."""
        self._closed = True
        self._wake_all()

    def _wake_all(self) -> None:
        for subscription in self._subscriptions:
            subscription.wake.set()
