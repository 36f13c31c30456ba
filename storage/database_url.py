"""Normalizes the database URL that a person writes into the one that SQLAlchemy's asyncio engine takes."""

from sqlalchemy.engine.url import URL, make_url
from sqlalchemy.exc import ArgumentError

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_SUPPORTED = ("sqlite+aiosqlite", "postgresql+asyncpg")


def normalize_database_url(url: str) -> str:
    """Returns ``url`` with its asyncio driver and with asyncpg's ``ssl`` in place of ``sslmode``.

    Raises ValueError for another database or driver. The message never contains the URL, which may hold a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError("not a database URL: use postgresql://user:password@host/name") from None
    driver = _DRIVERS.get(parsed.drivername, parsed.drivername)
    if driver not in _SUPPORTED:
        raise ValueError(f"{parsed.drivername} is not supported: use postgresql://user:password@host/name or sqlite")
    return _with_ssl(parsed.set(drivername=driver)).render_as_string(hide_password=False)


def _with_ssl(url: URL) -> URL:
    mode = url.query.get("sslmode")
    if url.get_backend_name() != "postgresql" or mode is None:
        return url
    return url.difference_update_query(("sslmode",)).update_query_dict({"ssl": mode})
