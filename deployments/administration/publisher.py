"""The newest snapshot and everybody who wants to hear of it: committed changes go in, one stream per subscriber out."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from deployments.contracts.settings import Snapshot


@dataclass(frozen=True, slots=True)
class SubscriberState:
    """One open stream: ``revision`` is the last one handed over, ``since`` when the stream was opened (UTC)."""

    name: str
    revision: int
    since: datetime


class SnapshotPublisher:
    """Hands every subscriber the newest snapshot; a slow one skips what it missed and gets the newest."""

    def __init__(self, current: Snapshot) -> None:
        self._current = current

    @property
    def current(self) -> Snapshot:
        """The last published snapshot."""
        return self._current

    def publish(self, snapshot: Snapshot) -> None:
        """Makes ``snapshot`` current and wakes every subscriber; an older revision than the current one is ignored."""
        raise NotImplementedError

    def subscribe(self, after_revision: int, subscriber: str) -> AsyncIterator[Snapshot]:
        """The current snapshot at once if newer than ``after_revision``, then each later one until ``close``."""
        raise NotImplementedError

    def subscribers(self) -> tuple[SubscriberState, ...]:
        """Everybody who listens now."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends every stream."""
        raise NotImplementedError
