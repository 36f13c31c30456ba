"""A connection to SQLite that crosses into its thread once for each statement."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

import aiosqlite

ResultRow = tuple[Any, ...]
CursorDescription = tuple[tuple[str, None, None, None, None, None, None], ...]


class RollbackOnCloseConnection(sqlite3.Connection):
    """Ends its transaction before it closes. A statement that was cut off lives as long as its cursor, and SQLite keeps
    a closed connection with its locks until the last statement is gone: that may be never noticed but by whoever waits.
    """

    def close(self) -> None:
        if self.in_transaction:
            self.rollback()
        super().close()


class BufferedCursor:
    """What SQLAlchemy asks of a cursor of aiosqlite. A statement comes back with all its rows and is over."""

    def __init__(self, run: Callable[..., Any], connection: sqlite3.Connection) -> None:
        self._run = run
        self._connection = connection
        self._rows: list[ResultRow] = []
        self.description: CursorDescription | None = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def execute(self, statement: str, parameters: Sequence[Any] | None = None) -> Self:
        """Runs the statement and keeps its rows for ``fetchall``."""
        await self._run(self._execute, statement, parameters or ())
        return self

    async def executemany(self, statement: str, parameters: Iterable[Sequence[Any]]) -> Self:
        """Runs the statement, which gives no rows, once for each set of parameters."""
        await self._run(self._executemany, statement, parameters)
        return self

    async def fetchall(self) -> list[ResultRow]:
        """The rows of the last statement; a second time there are none."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Nothing is open: the statement ended when it was run."""

    def _execute(self, statement: str, parameters: Sequence[Any]) -> None:
        cursor = self._connection.cursor()
        try:
            cursor.execute(statement, parameters)
            self._rows = cursor.fetchall() if cursor.description else []
            self._remember(cursor)
        finally:
            cursor.close()

    def _executemany(self, statement: str, parameters: Iterable[Sequence[Any]]) -> None:
        cursor = self._connection.cursor()
        try:
            cursor.executemany(statement, parameters)
            self._rows = []
            self._remember(cursor)
        finally:
            cursor.close()

    def _remember(self, cursor: sqlite3.Cursor) -> None:
        self.description, self.rowcount, self.lastrowid = cursor.description, cursor.rowcount, cursor.lastrowid


class BufferedConnection(aiosqlite.Connection):
    """aiosqlite's connection and its thread; only cursors are other ones. aiosqlite goes to the thread five times for a
    statement: to open a cursor, to run it, to fetch, and to close it twice."""

    def cursor(self) -> BufferedCursor:  # type: ignore[override]
        return BufferedCursor(self._execute, self._conn)


def create_connection(database: str, **arguments: Any) -> BufferedConnection:
    """The connection to the file ``database``, not yet open; for SQLAlchemy's ``async_creator_fn``. ``arguments`` are
    those of ``sqlite3.connect``."""
    connector = partial(sqlite3.connect, database, factory=RollbackOnCloseConnection, **arguments)
    connection = BufferedConnection(connector, iter_chunk_size=64)
    connection._thread.daemon = True  # as SQLAlchemy does: a forgotten connection keeps no process alive
    return connection
