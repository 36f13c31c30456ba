"""The processes that use snapshots and the revision each has. Doors report it; for processes without reports (ranked
FAQ, the bot supervisor) it is the last revision sent on their open stream."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from deployments.administration.office.report_ingest import DoorState
from deployments.administration.snapshots.publisher import SubscriberState


@dataclass(frozen=True, slots=True)
class SnapshotSubscriber:
    """``last_seen`` (UTC) is the time of the last report, or now for a process with only an open stream."""

    name: str
    revision: int
    last_seen: datetime


def snapshot_subscribers(
    doors: Iterable[DoorState], subscribers: Iterable[SubscriberState], now: datetime
) -> tuple[SnapshotSubscriber, ...]:
    """Each process once, ordered by name. A report takes precedence over a stream, because it says which revision is in
    use. Of two streams of one name, the newest counts."""
    streaming = {
        each.name: SnapshotSubscriber(each.name, each.revision, now) for each in sorted(subscribers, key=_opened)
    }
    reporting = {each.door: SnapshotSubscriber(each.door, each.revision, each.last_seen) for each in doors}
    return tuple(subscriber for _, subscriber in sorted({**streaming, **reporting}.items()))


def _opened(subscriber: SubscriberState) -> datetime:
    return subscriber.since
