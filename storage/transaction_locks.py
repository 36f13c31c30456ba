"""Locks that serialize parts of concurrent transactions."""

from enum import Enum

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession


class TransactionLock(Enum):
    """A part of a transaction that only one transaction may be in. The value is a PostgreSQL advisory lock key."""

    REVISION = 0x5EC2_E7A2_0002
    AUDIT = 0x5EC2_E7A2_0003


async def lock_until_commit(session: AsyncSession, lock: TransactionLock) -> None:
    """Waits for the lock and holds it until the transaction ends. SQLite needs none: BEGIN IMMEDIATE serializes whole
    transactions."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(select(func.pg_advisory_xact_lock(lock.value)))
