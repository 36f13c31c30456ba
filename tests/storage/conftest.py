from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.database import Database


def url_of(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder / 'secretary.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database, once of either kind."""
    return url_of(tmp_path) if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = Database(url, patience_s=0.2)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(url_of(tmp_path), patience_s=0.2)
    await opened.open()
    yield opened
    await opened.close()
