"""Ownership of a PostgreSQL database: an advisory lock on a dedicated connection, released when that connection
closes."""

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
"""Advisory locks are separate for each database of a server."""

_POLL_S = 0.1
_PING_TIMEOUT_S = 5.0
_PING = text("SELECT 1")
_TRY_LOCK = text("SELECT pg_try_advisory_lock(:key)")
_OWNER = text(
    "SELECT l.pid, coalesce(a.client_addr::text, 'this machine') FROM pg_locks AS l "
    "LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid "
    "WHERE l.locktype = 'advisory' AND l.granted AND ((l.classid::bigint << 32) | l.objid::bigint) = :key "
    "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class PostgresOwnership:
    """The session-level lock ``pg_try_advisory_lock`` on a dedicated connection (PostgreSQL documentation, section
    13.3.5)."""

    def __init__(self, url: URL, connect_args: dict[str, Any]) -> None:
        self._url = url
        self._connect_args = connect_args
        self._engine: AsyncEngine | None = None
        self._connection: AsyncConnection | None = None
        self._confirming = asyncio.Lock()

    async def acquire(self, timeout_s: float) -> None:
        """Takes the lock, waiting at most ``timeout_s`` for another owner. Raises Conflict."""
        self._engine = create_async_engine(
            self._url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=self._connect_args
        )
        try:
            await self._lock(time.monotonic() + timeout_s)
        except BaseException:
            await self.release()
            raise

    async def confirm(self) -> None:
        """Pings the server over the lock's connection and takes the lock again when that connection is lost. Raises
        Conflict when another process has taken it."""
        async with self._confirming:
            if self._connection is not None and await _responds(self._connection):
                return
            await self.release()
            await self.acquire(0)

    async def release(self) -> None:
        """Closes the connection, which releases the lock. Does nothing when it is not held."""
        connection, self._connection = self._connection, None
        engine, self._engine = self._engine, None
        with contextlib.suppress(SQLAlchemyError, OSError):  # a lost connection is closed already
            if connection is not None:
                await connection.close()
        if engine is not None:
            await engine.dispose()

    async def _lock(self, deadline: float) -> None:
        assert self._engine is not None
        self._connection = await self._engine.connect()
        while not await self._connection.scalar(_TRY_LOCK, {"key": OWNERSHIP_LOCK_KEY}):
            if time.monotonic() >= deadline:
                raise Conflict(await self._in_use_message(self._connection))
            await asyncio.sleep(_POLL_S)

    async def _in_use_message(self, connection: AsyncConnection) -> str:
        owner = (await connection.execute(_OWNER, {"key": OWNERSHIP_LOCK_KEY})).first()
        by = f"server process {owner[0]} for {owner[1]}" if owner else "unknown"
        return f"the database {self._url.database} is in use ({by}): stop that secretary first"


async def _responds(connection: AsyncConnection) -> bool:
    try:
        async with asyncio.timeout(_PING_TIMEOUT_S):
            return bool(await connection.scalar(_PING) == 1)
    except (SQLAlchemyError, OSError):
        return False
