from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.database import Database


def url_of(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder / 'secretary.db'}"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(url_of(tmp_path), patience_s=0.2)
    await opened.open()
    yield opened
    await opened.close()
