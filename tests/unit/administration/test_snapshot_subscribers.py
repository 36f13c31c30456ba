"""The list of processes that use snapshots."""

from datetime import UTC, datetime, timedelta

from deployments.administration.office.report_ingest import DoorState
from deployments.administration.snapshots.publisher import SubscriberState
from deployments.administration.snapshots.subscribers import SnapshotSubscriber, snapshot_subscribers

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(seconds=1)


def test_subscribers_merge_reports_and_streams() -> None:
    doors = (DoorState("gateway#a", 6, 0, BEFORE), DoorState("phone#b", 7, 1, BEFORE))
    streams = [SubscriberState(name, 7, BEFORE) for name in ("gateway#a", "faq#c", "bots#d")]
    assert snapshot_subscribers(doors, streams, NOW) == (
        SnapshotSubscriber("bots#d", 7, NOW),
        SnapshotSubscriber("faq#c", 7, NOW),
        SnapshotSubscriber("gateway#a", 6, BEFORE),
        SnapshotSubscriber("phone#b", 7, BEFORE),
    )


def test_subscribers_newest_stream_of_a_name_wins() -> None:
    old, new = SubscriberState("faq#c", 5, BEFORE), SubscriberState("faq#c", 7, NOW)
    assert snapshot_subscribers((), (old, new), NOW) == (SnapshotSubscriber("faq#c", 7, NOW),)
    assert snapshot_subscribers((), (new, old), NOW) == (SnapshotSubscriber("faq#c", 7, NOW),)
