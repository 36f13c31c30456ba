"""Every process that lives off snapshots, and the revision it is at: doors say so in their reports; of those that
report nothing (ranked answers, the bots' supervisor) the open stream tells."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from deployments.administration.office.report_ingest import DoorState
from deployments.administration.snapshots.publisher import SubscriberState


@dataclass(frozen=True, slots=True)
class SnapshotSubscriber:
    """``last_seen`` (UTC) is when it last reported, or now while it only listens."""

    name: str
    revision: int
    last_seen: datetime


def snapshot_subscribers(
    doors: Iterable[DoorState], subscribers: Iterable[SubscriberState], now: datetime
) -> tuple[SnapshotSubscriber, ...]:
    """Each process once, by name. A report counts for more than what was handed over: it says what is in force. Of two
    streams of one name the newest counts."""
    listening = {
        each.name: SnapshotSubscriber(each.name, each.revision, now) for each in sorted(subscribers, key=_opened)
    }
    reporting = {each.door: SnapshotSubscriber(each.door, each.revision, each.last_seen) for each in doors}
    return tuple(follower for _, follower in sorted({**listening, **reporting}.items()))


def _opened(subscriber: SubscriberState) -> datetime:
    return subscriber.since
