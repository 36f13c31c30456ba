from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deployments.contracts.settings import FaqSettings, Settings
from storage.backup_archive import InstallationPaths
from storage.database import Database
from storage.repositories.audit import AuditEvent
from tests.storage.installation_files import installation_paths


def url_of(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder / 'secretary.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database, once of either kind."""
    return url_of(tmp_path) if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = Database(url, ownership_timeout_s=0.2)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(url_of(tmp_path), ownership_timeout_s=0.2)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def place(tmp_path: Path) -> InstallationPaths:
    """An installation with rows, a recording and a key, nothing running."""
    folder = tmp_path / "data"
    (folder / "recordings" / "2026").mkdir(parents=True)
    (folder / "recordings" / "2026" / "call-1.wav").write_bytes(b"RIFF" * 1000)
    (folder / "secret.key").write_text("k" * 43)
    database = Database(url_of(folder))
    await database.open()
    async with database.unit_of_work() as work:
        await work.settings.save(Settings(faq=FaqSettings(ranked_threshold=90)), 1)
        for number in range(20):
            await work.audit.add(AuditEvent("anna", "update", "faq", str(number)))
    await database.close()
    return installation_paths(folder)
