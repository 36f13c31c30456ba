"""How snapshots travel from process to process: the first of a stream whole, each later one as what changed.

Both ends of a stream know which snapshot went before. A stream that breaks is opened anew and begins with a whole one,
so nobody has to know what a subscriber has: not after a restart of either side, nor after a restore from a backup.
"""

from collections.abc import AsyncGenerator, AsyncIterator

from deployments.contracts.settings import Snapshot, SnapshotChange
from deployments.contracts.streams import Closing


async def encode_snapshots(snapshots: AsyncIterator[Snapshot]) -> AsyncGenerator[Snapshot | SnapshotChange]:
    """``snapshots`` for the wire."""
    before: Snapshot | None = None
    async with Closing(snapshots) as stream:
        async for snapshot in stream:
            yield SnapshotChange.between(before, snapshot) if before else snapshot
            before = snapshot


async def decode_snapshots(items: AsyncIterator[Snapshot | SnapshotChange]) -> AsyncGenerator[Snapshot]:
    """What ``shortened`` was given. Raises ValueError for a change that does not fit what went before."""
    current = Snapshot()
    async with Closing(items) as stream:
        async for item in stream:
            current = item.apply_to(current) if isinstance(item, SnapshotChange) else item
            yield current
