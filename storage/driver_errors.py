"""Translates errors of database drivers and of the disk into the project's errors, by error code and never by
message."""

import errno
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from deployments.contracts.errors import Conflict, InvalidRequest, SecretaryError, Unavailable

_DUPLICATE_CODES = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}
_DISK_FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT}
_NETWORK_ERRORS = (ConnectionError, TimeoutError, socket.gaierror)
_PRIMARY_CODE = 0xFF


def translate_error(error: DBAPIError) -> SecretaryError | None:
    """The error to raise instead of ``error``. None for a programming error, which is not translated."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if isinstance(code, int):
        return _error_of_sqlite_code(code)
    if error.connection_invalidated:
        return _connection_lost()
    return error_of_sqlstate(getattr(error.orig, "sqlstate", None))


def error_of_sqlstate(sqlstate: str | None) -> SecretaryError | None:
    """The error for an SQLSTATE (PostgreSQL documentation, appendix A), if it has one."""
    if sqlstate is None:
        return None
    create = _BY_STATE.get(sqlstate) or _BY_CLASS.get(sqlstate[:2])
    return create() if create is not None else None


def _connection_lost() -> SecretaryError:
    return Unavailable("the connection to the database server was lost: nothing was saved; try again", retry_after_s=2)


def _busy() -> SecretaryError:
    return Unavailable("the database is busy; try again", retry_after_s=1)


def _server_disk_full() -> SecretaryError:
    return Unavailable("the disk of the database server is full: nothing was saved; free some space and try again")


def _disk_full() -> SecretaryError:
    return Unavailable("the disk is full: nothing was saved; free some space and try again")


def _login_refused() -> SecretaryError:
    return Unavailable("the database server refuses this user or password: check DATABASE_URL")


def _out_of_range() -> InvalidRequest:
    return InvalidRequest("a value is outside the range that the database can store")


def _name_taken() -> SecretaryError:
    return Conflict("this name is taken")


_BY_STATE: dict[str, Callable[[], SecretaryError]] = {
    "22000": _out_of_range,
    "22001": lambda: InvalidRequest("a text is longer than the database can store"),
    "22003": _out_of_range,
    "22021": lambda: InvalidRequest("a text contains a character that cannot be stored (NUL)"),
    "23505": _name_taken,
    "3D000": lambda: Unavailable("the server has no such database: create it with createdb"),
    "53100": _server_disk_full,
    "55P03": _busy,
}
_BY_CLASS: dict[str, Callable[[], SecretaryError]] = {
    "08": _connection_lost,
    "28": _login_refused,
    "40": _busy,
    "53": _busy,
    "57": _connection_lost,
}


def _error_of_sqlite_code(code: int) -> SecretaryError | None:
    if code in _DUPLICATE_CODES:
        return _name_taken()
    primary = code & _PRIMARY_CODE
    if primary == sqlite3.SQLITE_FULL:
        return _disk_full()
    if primary == sqlite3.SQLITE_IOERR:
        return Unavailable("the disk refused the write: nothing was saved; check free space and the disk's health")
    if primary == sqlite3.SQLITE_BUSY:
        return _busy()
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Unavailable("the database file is damaged: restore a backup")
    return None


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translates errors of statements, and a full disk."""
    try:
        yield
    except DBAPIError as error:
        translated = translate_error(error)
        if translated is None:
            raise
        raise translated from error
    except (OverflowError, UnicodeEncodeError) as error:  # sqlite3 raises these while it binds parameters
        raise _out_of_range() from error
    except PoolTimeout as error:
        raise _busy() from error
    except OSError as error:
        if error.errno not in _DISK_FULL_ERRNOS:
            raise
        raise _disk_full() from error


@contextmanager
def translate_connection_errors() -> Iterator[None]:
    """Translates errors of connecting: those of the network, and asyncpg's, which SQLAlchemy does not wrap."""
    try:
        yield
    except DBAPIError:
        raise
    except OSError as error:
        if not isinstance(error, _NETWORK_ERRORS):
            raise
        raise Unavailable(f"the database cannot be reached: {error.strerror or type(error).__name__}") from error
    except Exception as error:
        translated = error_of_sqlstate(getattr(error, "sqlstate", None))
        if translated is None:
            raise
        raise translated from error
