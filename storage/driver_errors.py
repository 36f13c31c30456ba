"""Translates what a database driver or a disk says into the project's errors, by error code and never by message."""

import errno
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as QueueTimeout

from deployments.contracts.errors import Conflict, InvalidRequest, SecretaryError, Unavailable

_DUPLICATE = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}
_FULL = {sqlite3.SQLITE_FULL}
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_UNREACHABLE = (ConnectionError, TimeoutError, socket.gaierror)
_PRIMARY_CODE = 0xFF
_DISK_IS_FULL = "the disk is full: nothing was saved; free some space and try again"


def translate_error(error: DBAPIError) -> SecretaryError | None:
    """The error to raise instead of ``error``; None for a mistake of ours, which should be seen as it is."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if isinstance(code, int):
        return _of_sqlite(code)
    if error.connection_invalidated:
        return _gone()
    return error_of_sqlstate(getattr(error.orig, "sqlstate", None))


def error_of_sqlstate(sqlstate: str | None) -> SecretaryError | None:
    """The error for an SQLSTATE (PostgreSQL manual, appendix A)."""
    if sqlstate is None:
        return None
    exact = _BY_STATE.get(sqlstate) or _BY_CLASS.get(sqlstate[:2])
    return exact() if exact is not None else None


def _gone() -> SecretaryError:
    return Unavailable("the database server went away: nothing was saved; try again", retry_after_s=2)


def _busy() -> SecretaryError:
    return Unavailable("the database is busy; try again", retry_after_s=1)


def _full() -> SecretaryError:
    return Unavailable("the database server has no room left: nothing was saved; free some space and try again")


def _refused() -> SecretaryError:
    return Unavailable("the database server refuses this user or password: look at DATABASE_URL")


def _out_of_range() -> InvalidRequest:
    return InvalidRequest("a value is one that the database has no room for")


_BY_STATE: dict[str, Callable[[], SecretaryError]] = {
    "22000": _out_of_range,
    "22001": lambda: InvalidRequest("a text is longer than the database has room for"),
    "22003": _out_of_range,
    "22021": lambda: InvalidRequest("a text holds a character that cannot be stored (NUL)"),
    "23505": lambda: Conflict("something else already has this name"),
    "3D000": lambda: Unavailable("this database does not exist on the server: createdb makes it"),
    "53100": _full,
    "55P03": _busy,
}
_BY_CLASS: dict[str, Callable[[], SecretaryError]] = {
    "08": _gone,
    "28": _refused,
    "40": _busy,
    "53": _busy,
    "57": _gone,
}


def _of_sqlite(code: int) -> SecretaryError | None:
    if code in _DUPLICATE:
        return Conflict("something else already has this name")
    if code & _PRIMARY_CODE in _FULL:
        return Unavailable(_DISK_IS_FULL)
    if code & _PRIMARY_CODE == sqlite3.SQLITE_IOERR:
        return Unavailable("the disk refused the write: nothing was saved; look at free space and at the disk's health")
    if code & _PRIMARY_CODE == sqlite3.SQLITE_BUSY:
        return _busy()
    if code & _PRIMARY_CODE in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Unavailable("the database file is damaged: restore a backup")
    return None


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raises the project's error in place of the driver's, or of the disk's when it has no room."""
    try:
        yield
    except DBAPIError as error:
        known = translate_error(error)
        if known is None:
            raise
        raise known from error
    except (OverflowError, UnicodeEncodeError) as error:  # SQLite's driver says it before it asks the database
        raise _out_of_range() from error
    except QueueTimeout as error:
        raise _busy() from error
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise Unavailable(_DISK_IS_FULL) from error


@contextmanager
def translate_connection_errors() -> Iterator[None]:
    """The same for what a driver says while it connects: errors of the network, and asyncpg's own."""
    try:
        yield
    except DBAPIError:
        raise
    except OSError as error:
        if not isinstance(error, _UNREACHABLE):
            raise
        raise Unavailable(f"the database cannot be reached: {error.strerror or type(error).__name__}") from error
    except Exception as error:
        known = error_of_sqlstate(getattr(error, "sqlstate", None))
        if known is None:
            raise
        raise known from error
