"""The SQLite connection that SQLAlchemy's aiosqlite driver opens."""

import sqlite3


class RollbackOnCloseConnection(sqlite3.Connection):
    """Rolls back an open transaction before it closes.

    SQLite keeps a closed connection, with its locks, until its last statement is finalized. A statement of a cancelled
    task may never be.
    """

    def close(self) -> None:
        if self.in_transaction:
            self.rollback()
        super().close()
