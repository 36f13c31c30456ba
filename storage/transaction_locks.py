"""Steps of a transaction that must come one after another, whatever runs beside."""

from enum import Enum

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession


class TransactionLock(Enum):
    """What is serialised; the value is the key of PostgreSQL's advisory lock."""

    REVISION = 0x5EC2_E7A2_0002
    AUDIT = 0x5EC2_E7A2_0003


async def lock_until_commit(session: AsyncSession, lock: TransactionLock) -> None:
    """Waits until no other transaction is in this step, and stays in it to the end of the transaction. SQLite's
    BEGIN IMMEDIATE has seen to that already."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(select(func.pg_advisory_xact_lock(lock.value)))
