"""Encodes snapshots for transport: the first one of a stream is sent whole, each later one as a ``SnapshotChange``.

A reopened stream starts with a whole snapshot, so neither side keeps state between streams.
"""

from collections.abc import AsyncGenerator, AsyncIterator

from deployments.contracts.snapshot import Snapshot, SnapshotChange
from deployments.contracts.streams import Closing


async def encode_snapshots(snapshots: AsyncIterator[Snapshot]) -> AsyncGenerator[Snapshot | SnapshotChange]:
    """Encodes ``snapshots`` for transport."""
    before: Snapshot | None = None
    async with Closing(snapshots) as stream:
        async for snapshot in stream:
            yield SnapshotChange.between(before, snapshot) if before else snapshot
            before = snapshot


async def decode_snapshots(items: AsyncIterator[Snapshot | SnapshotChange]) -> AsyncGenerator[Snapshot]:
    """Decodes what ``encode_snapshots`` yields. Raises ValueError for a change against another revision."""
    current = Snapshot()
    async with Closing(items) as stream:
        async for item in stream:
            current = item.apply_to(current) if isinstance(item, SnapshotChange) else item
            yield current
