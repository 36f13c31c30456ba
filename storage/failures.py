"""Translates what a database driver or a disk says into the project's errors, by error code and never by message."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from deployments.contracts.errors import Conflict, SecretaryError, Unavailable

_DUPLICATE = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}
_FULL = {sqlite3.SQLITE_FULL}
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_PRIMARY_CODE = 0xFF
_DISK_IS_FULL = "the disk is full: nothing was saved; free some space and try again"


def translated(error: DBAPIError) -> SecretaryError | None:
    """The error to raise instead of ``error``; None for a mistake of ours, which should be seen as it is."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if not isinstance(code, int):
        return None
    if code in _DUPLICATE:
        return Conflict("something else already has this name")
    if code & _PRIMARY_CODE in _FULL:
        return Unavailable(_DISK_IS_FULL)
    if code & _PRIMARY_CODE == sqlite3.SQLITE_IOERR:
        return Unavailable("the disk refused the write: nothing was saved; look at free space and at the disk's health")
    if code & _PRIMARY_CODE == sqlite3.SQLITE_BUSY:
        return Unavailable("the database is busy; try again", retry_after_s=1)
    if code & _PRIMARY_CODE in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Unavailable("the database file is damaged: restore a backup")
    return None


@contextmanager
def translating() -> Iterator[None]:
    """Raises the project's error in place of the driver's, or of the disk's when it has no room."""
    try:
        yield
    except DBAPIError as error:
        known = translated(error)
        if known is None:
            raise
        raise known from error
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise Unavailable(_DISK_IS_FULL) from error
