"""The snapshot feed reconnects and prepares snapshots."""

import asyncio

from deployments.contracts.snapshot import Snapshot
from deployments.conversation.snapshot_feed import SnapshotFeed
from tests.unit.conversation.fakes import UnreliableOffice


async def until(true: object, seconds: float = 2.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # type: ignore[operator]
            await asyncio.sleep(0.005)


async def test_feed_reconnects_after_its_revision() -> None:
    office, prepared = UnreliableOffice(), []
    feed = SnapshotFeed(office, "door", prepared.append)
    assert not feed.ready
    feed.start()
    await office.queue.put(Snapshot(revision=4))
    assert await feed.wait(2)
    await office.queue.put(ConnectionError())
    await until(lambda: len(office.requested_revisions) == 2)
    await office.queue.put(Snapshot(revision=6))
    await until(lambda: feed.current.revision == 6)
    await feed.stop()
    assert office.requested_revisions == [-1, 4]
    assert [s.revision for s in prepared] == [4, 6]


async def test_feed_backoff_resets_after_a_snapshot() -> None:
    office = UnreliableOffice()
    feed = SnapshotFeed(office, "door")
    feed.start()
    for revision in range(1, 8):
        await office.queue.put(Snapshot(revision=revision))
        await office.queue.put(ConnectionError())
        await until(lambda revision=revision: len(office.requested_revisions) > revision, seconds=1.2)
    await feed.stop()
