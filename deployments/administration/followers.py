"""Every process that lives off snapshots, and the revision it is at: doors say so in their reports; of those that
report nothing (ranked answers, the bots' supervisor) the open stream tells."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from deployments.administration.publisher import SubscriberState
from deployments.administration.reports import DoorState


@dataclass(frozen=True, slots=True)
class Follower:
    """``last_seen`` (UTC) is when it last reported, or now while it only listens."""

    name: str
    revision: int
    last_seen: datetime


def followers(
    doors: Iterable[DoorState], subscribers: Iterable[SubscriberState], now: datetime
) -> tuple[Follower, ...]:
    """Each process once, by name. A report counts for more than what was handed over: it says what is in force. Of two
    streams of one name the newest counts."""
    listening = {each.name: Follower(each.name, each.revision, now) for each in sorted(subscribers, key=_opened)}
    reporting = {each.door: Follower(each.door, each.revision, each.last_seen) for each in doors}
    return tuple(follower for _, follower in sorted({**listening, **reporting}.items()))


def _opened(subscriber: SubscriberState) -> datetime:
    return subscriber.since
