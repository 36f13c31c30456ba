"""Who lives off snapshots: doors that report, and those who only listen."""

from datetime import UTC, datetime, timedelta

from deployments.administration.office.report_ingest import DoorState
from deployments.administration.snapshots.publisher import SubscriberState
from deployments.administration.snapshots.subscribers import SnapshotSubscriber, snapshot_subscribers

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(seconds=1)


def test_who_only_listens_is_listed_and_a_door_that_also_reports_once() -> None:
    doors = (DoorState("gateway#a", 6, 0, BEFORE), DoorState("phone#b", 7, 1, BEFORE))
    listening = [SubscriberState(name, 7, BEFORE) for name in ("gateway#a", "faq#c", "bots#d")]
    assert snapshot_subscribers(doors, listening, NOW) == (
        SnapshotSubscriber("bots#d", 7, NOW),
        SnapshotSubscriber("faq#c", 7, NOW),
        SnapshotSubscriber("gateway#a", 6, BEFORE),
        SnapshotSubscriber("phone#b", 7, BEFORE),
    )


def test_of_two_streams_of_one_name_the_newest_counts() -> None:
    old, new = SubscriberState("faq#c", 5, BEFORE), SubscriberState("faq#c", 7, NOW)
    assert snapshot_subscribers((), (old, new), NOW) == (SnapshotSubscriber("faq#c", 7, NOW),)
    assert snapshot_subscribers((), (new, old), NOW) == (SnapshotSubscriber("faq#c", 7, NOW),)
