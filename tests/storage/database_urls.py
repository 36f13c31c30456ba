"""URLs of the databases of storage tests."""

from pathlib import Path

import pytest

ON_BOTH_DATABASES = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
"""Runs a test on SQLite and PostgreSQL. Without it, PostgreSQL is left to the marker ``long``."""


def sqlite_url(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder / 'secretary.db'}"
