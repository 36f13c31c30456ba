"""Where the database is: the URL as people write it, made into the one that the engine wants."""

from sqlalchemy.engine.url import URL, make_url
from sqlalchemy.exc import ArgumentError

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_KNOWN = ("sqlite+aiosqlite", "postgresql+asyncpg")


def normalize_database_url(url: str) -> str:
    """``url`` with its asyncio driver; ``sslmode`` becomes asyncpg's ``ssl``.

    Raises ValueError for another database or driver; the text of the error never repeats the URL, which may hold a
    password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError("not a database URL: use postgresql://user:password@host/name") from None
    driver = _DRIVERS.get(parsed.drivername, parsed.drivername)
    if driver not in _KNOWN:
        raise ValueError(f"{parsed.drivername} is not supported: use postgresql://user:password@host/name or sqlite")
    return _with_ssl(parsed.set(drivername=driver)).render_as_string(hide_password=False)


def _with_ssl(url: URL) -> URL:
    mode = url.query.get("sslmode")
    if url.get_backend_name() != "postgresql" or mode is None:
        return url
    return url.difference_update_query(("sslmode",)).update_query_dict({"ssl": mode})
