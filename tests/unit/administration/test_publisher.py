"""Publication of snapshots to subscribers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from deployments.administration.snapshots.publisher import SnapshotPublisher
from deployments.contracts.snapshot import Snapshot
from tests.waiting import wait_until


def at(revision: int) -> Snapshot:
    return Snapshot(revision=revision)


async def next_revision(stream: AsyncIterator[Snapshot]) -> int:
    return (await asyncio.wait_for(anext(stream), 2)).revision


async def test_late_subscriber_gets_current_snapshot() -> None:
    publisher = SnapshotPublisher(at(3))
    async with aclosing(publisher.subscribe(0, "gateway#1")) as stream:
        assert await next_revision(stream) == 3


async def test_current_subscriber_waits_for_next_snapshot() -> None:
    publisher = SnapshotPublisher(at(3))
    async with aclosing(publisher.subscribe(3, "gateway#1")) as stream:
        waiting = asyncio.create_task(next_revision(stream))
        await wait_until(publisher.subscribers)
        assert not waiting.done()
        publisher.publish(at(4))
        assert await waiting == 4


async def test_subscribers_get_every_change() -> None:
    publisher = SnapshotPublisher(at(1))
    async with aclosing(publisher.subscribe(0, "a")) as a, aclosing(publisher.subscribe(0, "b")) as b:
        for revision in (1, 2, 3):
            publisher.publish(at(revision))
            assert (await next_revision(a), await next_revision(b)) == (revision, revision)


async def test_slow_subscriber_skips_to_the_newest() -> None:
    publisher = SnapshotPublisher(at(1))
    async with aclosing(publisher.subscribe(0, "slow")) as stream:
        assert await next_revision(stream) == 1
        for revision in range(2, 1000):
            publisher.publish(at(revision))
        assert await next_revision(stream) == 999


async def test_publish_ignores_older_snapshot() -> None:
    publisher = SnapshotPublisher(at(5))
    publisher.publish(at(4))
    assert publisher.current.revision == 5


async def test_subscriber_ahead_gets_current_snapshot() -> None:
    async with aclosing(SnapshotPublisher(at(2)).subscribe(50, "gateway#1")) as stream:
        assert await next_revision(stream) == 2


async def test_close_ends_every_stream() -> None:
    publisher = SnapshotPublisher(at(1))

    async def collect(name: str) -> list[int]:
        return [snapshot.revision async for snapshot in publisher.subscribe(0, name)]

    listeners = [asyncio.create_task(collect(name)) for name in "abc"]
    await wait_until(lambda: len(publisher.subscribers()) == 3)
    publisher.close()
    assert await asyncio.wait_for(asyncio.gather(*listeners), 2) == [[1], [1], [1]]
    assert await collect("late") == []
    assert publisher.subscribers() == ()


async def test_subscribers_lists_streams_and_revisions() -> None:
    publisher = SnapshotPublisher(at(1))
    async with aclosing(publisher.subscribe(0, "gateway#2")) as two, aclosing(publisher.subscribe(1, "bots")) as bots:
        assert await next_revision(two) == 1
        publisher.publish(at(2))
        assert await next_revision(bots) == 2
        assert [(s.name, s.revision) for s in publisher.subscribers()] == [("bots", 2), ("gateway#2", 1)]
    assert publisher.subscribers() == ()


async def test_cancelled_subscriber_is_removed() -> None:
    publisher = SnapshotPublisher(at(1))

    async def listen() -> None:
        async for _ in publisher.subscribe(0, "gateway#1"):
            pass

    task = asyncio.create_task(listen())
    await wait_until(publisher.subscribers)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert publisher.subscribers() == ()
