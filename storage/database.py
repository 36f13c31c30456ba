"""The database: opened by one process, spoken to in units of work that are stored whole or not at all."""

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

from deployments.contracts.errors import Unavailable
from storage import migrate
from storage.database_url import normalize_database_url
from storage.driver_errors import translate_connection_errors, translate_errors
from storage.ownership import DatabaseOwnership, FileOwnership
from storage.postgres_ownership import PostgresOwnership
from storage.restore_journal import journal_path, recover_moves
from storage.sqlite_connection import create_connection
from storage.unit_of_work import UnitOfWork

logger = logging.getLogger(__name__)

MIN_SQLITE_VERSION = (3, 35, 0)
"""First release with RETURNING, which inserts rely on."""

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=5000",
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA secure_delete=ON",
)
_SCRUB_AGAIN_S = 0.1

_SERVER_ARGUMENTS: dict[str, Any] = {
    "timeout": 10,
    "command_timeout": 60,
    "server_settings": {"application_name": "ai-secretary", "lock_timeout": "30s"},
}
"""asyncpg's: seconds to connect, seconds for one statement."""


class Database:
    """Owns the engine and the database: a SQLite file, or a database on a PostgreSQL server.

    Either gets exactly one connection for units of work, which queue for it: repositories read and then write without
    locks of their own. With SQLite that also makes "BEGIN IMMEDIATE" never wait inside the program, and keeps clear of
    the WAL-reset race of SQLite 3.7.0 to 3.51.2, which needs two connections that write.
    """

    def __init__(self, url: str, ownership_timeout_s: float = 10.0, pool_timeout_s: float = 30.0) -> None:
        self._url = make_url(normalize_database_url(url))
        self._patience_s = ownership_timeout_s
        self._queue_s = pool_timeout_s
        self._engine: AsyncEngine | None = None
        self._ownership: DatabaseOwnership | None = None

    @property
    def path(self) -> Path | None:
        """The SQLite file; None for a database server or a database in memory."""
        if self._url.get_backend_name() != "sqlite" or self._url.database in (None, "", ":memory:"):
            return None
        return Path(str(self._url.database))

    async def open(self) -> None:
        """Takes the database (waiting ``patience_s`` for another owner), connects and migrates to the newest schema.

        Raises Conflict when another process owns it, Unavailable when it cannot be used.
        """
        try:
            await self._own()
            self._engine = _engine(self._url, self._queue_s)
            await self.run_sync(migrate.upgrade)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Disconnects and gives the file back; harmless when not open."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await asyncio.shield(engine.dispose())
        if self._ownership is not None:
            await self._ownership.release()
            self._ownership = None

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[UnitOfWork]:
        """One transaction: committed when the block ends, rolled back when it raises. Not to be nested.

        Raises Unavailable when the disk or the database refuses, or when the connection is not free within
        ``queue_s``; Conflict when a unique name is taken.
        """
        with translate_errors():
            await self._confirm()
            async with AsyncSession(self._opened(), expire_on_commit=False) as session, session.begin():
                with translate_connection_errors():
                    await session.connection()
                yield UnitOfWork(session)

    async def run_sync(self, work: Callable[[Connection], None]) -> None:
        """Runs synchronous ``work`` on the connection, in one transaction."""
        with translate_errors():
            await self._confirm()
            async with AsyncExitStack() as ending:
                with translate_connection_errors():
                    connection = await ending.enter_async_context(self._opened().connect())
                await ending.enter_async_context(connection.begin())
                await connection.run_sync(work)

    async def check_integrity(self) -> tuple[str, ...]:
        """What SQLite finds wrong with the file: damaged pages and dangling references; empty when sound. A server
        looks after its own files: nothing is asked of it."""
        if self._url.get_backend_name() != "sqlite":
            return ()
        async with self._opened().connect() as connection:
            pages = (await connection.execute(text("PRAGMA integrity_check"))).scalars().all()
            dangling = (await connection.execute(text("PRAGMA foreign_key_check"))).all()
        return tuple(str(p) for p in pages if p != "ok") + tuple(f"dangling reference: {tuple(d)}" for d in dangling)

    async def truncate_wal(self) -> bool:
        """Takes what was deleted off the disk: SQLite's write-ahead log still holds the pages as they were. False, and
        a line in the log, when that was not possible within ``patience_s``, as while a backup reads. A server looks
        after its own files: nothing is asked of it."""
        if self.path is None:
            return True
        deadline = time.monotonic() + self._patience_s
        while (hindrance := await self._truncated()) is not None:
            if time.monotonic() >= deadline:
                logger.warning("what was deleted stays in the write-ahead log for now: %s", hindrance)
                return False
            await asyncio.sleep(_SCRUB_AGAIN_S)
        return True

    async def _truncated(self) -> str | None:
        """Empties the write-ahead log; why not, if not."""
        try:
            with translate_errors():
                async with self._opened().connect() as connection:
                    return await connection.run_sync(_truncate_log)
        except Unavailable as error:
            return error.message

    async def _own(self) -> None:
        if self._url.get_backend_name() == "postgresql":
            _require_asyncpg()
            self._ownership = PostgresOwnership(self._url, _SERVER_ARGUMENTS)
        elif self.path is not None:
            self._ownership = FileOwnership(self.path.with_suffix(".lock"))
        if self._ownership is not None:
            with translate_errors(), translate_connection_errors():
                await self._ownership.acquire(self._patience_s)
        if self.path is not None:
            recover_moves(journal_path(self.path))
            _create_private(self.path)

    async def _confirm(self) -> None:
        if self._engine is not None and self._ownership is not None:
            with translate_connection_errors():
                await self._ownership.confirm()

    def _opened(self) -> AsyncEngine:
        if self._engine is None:
            raise Unavailable("the database is not open")
        return self._engine


def _engine(url: URL, queue_s: float = 30.0) -> AsyncEngine:
    single: dict[str, Any] = {"poolclass": AsyncAdaptedQueuePool, "pool_size": 1, "max_overflow": 0}
    single["pool_timeout"] = queue_s
    if url.get_backend_name() != "sqlite":
        return create_async_engine(
            url, pool_pre_ping=True, hide_parameters=True, connect_args=_SERVER_ARGUMENTS, **single
        )
    _require_sqlite()
    engine = create_async_engine(
        url, hide_parameters=True, connect_args={"async_creator_fn": create_connection}, **single
    )
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
        remedy = "pip install 'ai-secretary[postgres]'"
        raise Unavailable(f"PostgreSQL needs the driver asyncpg: {remedy}", remedy=remedy) from None


def _configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: _begin_immediate does
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    """Takes the write lock at once: a read that later turns into a write would ignore busy_timeout."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _truncate_log(connection: Connection) -> str | None:
    """Outside of a transaction, and without waiting: whoever needs the one connection would wait too. What hinders
    it."""
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
    return "somebody reads the database" if busy else None


def _create_private(path: Path) -> None:
    """An empty file, mode 0600; SQLite gives its side files the same mode."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
