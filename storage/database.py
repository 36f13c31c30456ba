"""The database: one process opens it and runs units of work, each of which is one transaction."""

import asyncio
import importlib
import logging
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.engine.url import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from deployments.contracts.commands import install_command
from deployments.contracts.errors import Unavailable
from storage import migrate
from storage.database_url import normalize_database_url
from storage.driver_errors import translate_connection_errors, translate_errors
from storage.ownership import DatabaseOwnership, FileOwnership
from storage.postgres_ownership import PostgresOwnership
from storage.restore_journal import journal_path, recover_moves
from storage.sqlite_connection import RollbackOnCloseConnection
from storage.unit_of_work import UnitOfWork

logger = logging.getLogger(__name__)

MIN_SQLITE_VERSION = (3, 35, 0)
"""The first release with RETURNING."""

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=5000",
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA secure_delete=ON",
)
_TRUNCATE_RETRY_S = 0.1

_ASYNCPG_ARGUMENTS: dict[str, Any] = {
    "timeout": 10,
    "command_timeout": 60,
    "server_settings": {"application_name": "ai-secretary", "lock_timeout": "30s"},
}
"""asyncpg arguments. ``timeout`` limits connecting, ``command_timeout`` one statement, in seconds."""


class Database:
    """Owns a SQLite file or a PostgreSQL database, and its engine.

    ``ownership_timeout_s`` is the wait for another owner, ``pool_timeout_s`` the wait for the connection. The pool has
    exactly one connection, because repositories read and then write without locks. With SQLite, BEGIN IMMEDIATE never
    waits then, and the WAL-reset bug of SQLite 3.7.0 to 3.51.2, which needs two writing connections, cannot occur.
    """

    def __init__(self, url: str, ownership_timeout_s: float = 10.0, pool_timeout_s: float = 30.0) -> None:
        self._url = make_url(normalize_database_url(url))
        self._ownership_timeout_s = ownership_timeout_s
        self._pool_timeout_s = pool_timeout_s
        self._engine: AsyncEngine | None = None
        self._ownership: DatabaseOwnership | None = None

    @property
    def path(self) -> Path | None:
        """The SQLite file. None for a server or a database in memory."""
        if self._url.get_backend_name() != "sqlite" or self._url.database in (None, "", ":memory:"):
            return None
        return Path(str(self._url.database))

    async def open(self) -> None:
        """Takes ownership, connects and upgrades the schema.

        Raises Conflict when another process owns the database, Unavailable when it cannot be used.
        """
        try:
            await self._take_ownership()
            self._engine = create_engine(self._url, self._pool_timeout_s)
            await self.run_sync(migrate.upgrade)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Disconnects and releases ownership. Does nothing when not open."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await asyncio.shield(engine.dispose())
        if self._ownership is not None:
            await self._ownership.release()
            self._ownership = None

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[UnitOfWork]:
        """One transaction: committed at the end of the block, rolled back when it raises. Units must not be nested.

        Raises Unavailable when the disk or the database fails, or when the connection is not free within
        ``pool_timeout_s``. Raises Conflict when a unique name is taken.
        """
        with translate_errors():
            await self._confirm_ownership()
            async with AsyncSession(self._open_engine(), expire_on_commit=False) as session, session.begin():
                with translate_connection_errors():
                    await session.connection()
                yield UnitOfWork(session)

    async def run_sync(self, work: Callable[[Connection], None]) -> None:
        """Runs synchronous ``work`` on the connection, in one transaction."""
        with translate_errors():
            await self._confirm_ownership()
            async with AsyncExitStack() as stack:
                with translate_connection_errors():
                    connection = await stack.enter_async_context(self._open_engine().connect())
                await stack.enter_async_context(connection.begin())
                await connection.run_sync(work)

    async def check_integrity(self) -> tuple[str, ...]:
        """Returns the damaged pages and dangling references that SQLite finds. Empty for a sound file or a server."""
        if self._url.get_backend_name() != "sqlite":
            return ()
        async with self._open_engine().connect() as connection:
            pages = (await connection.execute(text("PRAGMA integrity_check"))).scalars().all()
            dangling = (await connection.execute(text("PRAGMA foreign_key_check"))).all()
        return tuple(str(p) for p in pages if p != "ok") + tuple(f"dangling reference: {tuple(d)}" for d in dangling)

    async def truncate_wal(self) -> bool:
        """Truncates SQLite's write-ahead log, which still holds deleted content. Does nothing for a server.

        Returns False and logs a warning when readers, such as a backup, prevent it for ``ownership_timeout_s``.
        """
        if self.path is None:
            return True
        deadline = time.monotonic() + self._ownership_timeout_s
        while (reason := await self._try_truncate_wal()) is not None:
            if time.monotonic() >= deadline:
                logger.warning("the write-ahead log still holds deleted content: %s", reason)
                return False
            await asyncio.sleep(_TRUNCATE_RETRY_S)
        return True

    async def _try_truncate_wal(self) -> str | None:
        """None on success, the reason otherwise."""
        try:
            with translate_errors():
                async with self._open_engine().connect() as connection:
                    return await connection.run_sync(_truncate_wal)
        except Unavailable as error:
            return error.message

    async def _take_ownership(self) -> None:
        if self._url.get_backend_name() == "postgresql":
            _require_asyncpg()
            self._ownership = PostgresOwnership(self._url, _ASYNCPG_ARGUMENTS)
        elif self.path is not None:
            self._ownership = FileOwnership(self.path.with_suffix(".lock"))
        if self._ownership is not None:
            with translate_errors(), translate_connection_errors():
                await self._ownership.acquire(self._ownership_timeout_s)
        if self.path is not None:
            recover_moves(journal_path(self.path))
            _create_private(self.path)

    async def _confirm_ownership(self) -> None:
        if self._engine is not None and self._ownership is not None:
            with translate_connection_errors():
                await self._ownership.confirm()

    def _open_engine(self) -> AsyncEngine:
        if self._engine is None:
            raise Unavailable("the database is not open")
        return self._engine


def create_engine(url: URL, pool_timeout_s: float = 30.0) -> AsyncEngine:
    """The engine of the database at ``url``, with one connection and, for SQLite, ``SQLITE_PRAGMAS``."""
    pool: dict[str, Any] = {"poolclass": AsyncAdaptedQueuePool, "pool_size": 1, "max_overflow": 0}
    pool["pool_timeout"] = pool_timeout_s
    if url.get_backend_name() != "sqlite":
        return create_async_engine(
            url, pool_pre_ping=True, hide_parameters=True, connect_args=_ASYNCPG_ARGUMENTS, **pool
        )
    _require_sqlite()
    engine = create_async_engine(url, hide_parameters=True, connect_args={"factory": RollbackOnCloseConnection}, **pool)
    event.listen(engine.sync_engine, "connect", _configure)
    event.listen(engine.sync_engine, "begin", _begin_immediate)
    return engine


def _require_sqlite() -> None:
    if sqlite3.sqlite_version_info < MIN_SQLITE_VERSION:
        needed = ".".join(map(str, MIN_SQLITE_VERSION))
        raise Unavailable(f"SQLite {sqlite3.sqlite_version} is too old: {needed} or later is needed")
    logger.info("SQLite %s", sqlite3.sqlite_version)


def _require_asyncpg() -> None:
    try:
        importlib.import_module("asyncpg")
    except ImportError:
        remedy = install_command("postgres")
        raise Unavailable(f"PostgreSQL needs the driver asyncpg: {remedy}", remedy=remedy) from None


def _configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # _begin_immediate begins transactions, not the driver
    cursor = connection.cursor()
    for pragma in SQLITE_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    """Takes the write lock at once. A read transaction that turns into a write would ignore busy_timeout."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _truncate_wal(connection: Connection) -> str | None:
    """Runs outside of a transaction and without busy_timeout, which would block the only connection. Returns the reason
    of a failure."""
    cursor = connection.connection.cursor()
    cursor.execute("PRAGMA busy_timeout=0")
    try:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (busy, *_) = cursor.fetchone() or (1,)
    except sqlite3.Error as error:
        return str(error)
    finally:
        cursor.execute("PRAGMA busy_timeout=5000")
        cursor.close()
    return "the database is being read" if busy else None


def _create_private(path: Path) -> None:
    """Creates the file with mode 0600. SQLite gives its WAL and shared-memory files the same mode."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
