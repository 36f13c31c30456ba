"""One process owns a PostgreSQL database: an advisory lock on a connection of its own, gone when that connection is."""

import asyncio
import contextlib
import time
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine.url import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from deployments.contracts.errors import Conflict

OWNERSHIP_LOCK_KEY = 0x5EC2_E7A2_0001
"""Key of the lock; PostgreSQL keeps advisory locks apart by database."""

_POLL_S = 0.1
_ANSWER_S = 5.0
_PING = text("SELECT 1")
_TRY = text("SELECT pg_try_advisory_lock(:key)")
_OWNER = text(
    "SELECT l.pid, coalesce(a.client_addr::text, 'this machine') FROM pg_locks AS l "
    "LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid "
    "WHERE l.locktype = 'advisory' AND l.granted AND ((l.classid::bigint << 32) | l.objid::bigint) = :key "
    "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class PostgresOwnership:
    """The session-level lock ``pg_try_advisory_lock`` on a dedicated connection (PostgreSQL manual, 13.3.5)."""

    def __init__(self, url: URL, connect_args: dict[str, Any]) -> None:
        self._url = url
        self._connect_args = connect_args
        self._engine: AsyncEngine | None = None
        self._connection: AsyncConnection | None = None
        self._one_at_a_time = asyncio.Lock()

    async def acquire(self, timeout_s: float) -> None:
        """Takes the lock, waiting at most ``patience_s`` for another owner to leave. Raises Conflict."""
        self._engine = create_async_engine(
            self._url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=self._connect_args
        )
        try:
            await self._lock(time.monotonic() + timeout_s)
        except BaseException:
            await self.release()
            raise

    async def confirm(self) -> None:
        """Asks over the lock's own connection, and takes the lock anew when that connection broke. Raises Conflict when
        somebody else was quicker."""
        async with self._one_at_a_time:
            if self._connection is not None and await _alive(self._connection):
                return
            await self.release()
            await self.acquire(0)

    async def release(self) -> None:
        """Gives the lock back with its connection; harmless when it is not held."""
        connection, self._connection = self._connection, None
        engine, self._engine = self._engine, None
        with contextlib.suppress(SQLAlchemyError, OSError):  # a connection that broke is closed already
            if connection is not None:
                await connection.close()
        if engine is not None:
            await engine.dispose()

    async def _lock(self, deadline: float) -> None:
        assert self._engine is not None
        self._connection = await self._engine.connect()
        while not await self._connection.scalar(_TRY, {"key": OWNERSHIP_LOCK_KEY}):
            if time.monotonic() >= deadline:
                raise Conflict(await self._in_use(self._connection))
            await asyncio.sleep(_POLL_S)

    async def _in_use(self, connection: AsyncConnection) -> str:
        owner = (await connection.execute(_OWNER, {"key": OWNERSHIP_LOCK_KEY})).first()
        by = f"server process {owner[0]} for {owner[1]}" if owner else "unknown"
        return f"the database {self._url.database} is in use ({by}): stop that secretary first"


async def _alive(connection: AsyncConnection) -> bool:
    try:
        async with asyncio.timeout(_ANSWER_S):
            return bool(await connection.scalar(_PING) == 1)
    except (SQLAlchemyError, OSError):
        return False
