import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from deployments.contracts.settings import FaqSettings, Settings
from storage.backup_archive import InstallationPaths
from storage.database import Database
from storage.models import Base
from storage.repositories.audit import AuditEvent
from tests.servers.postgres import PostgresCluster
from tests.storage.database_urls import sqlite_url
from tests.storage.installation_files import installation_paths


async def _create(url: str) -> None:
    database = Database(url)
    await database.open()
    await database.close()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to copy from."""
    folder = tmp_path_factory.mktemp("migrated")
    asyncio.run(_create(sqlite_url(folder)))
    return folder / "secretary.db"


@pytest.fixture(scope="session")
def shared_postgres_url(cluster: PostgresCluster) -> str:
    """A PostgreSQL database with all tables, which tests share."""
    return cluster.server.create_database(cluster.template)


async def _truncate(url: str) -> None:
    tables = ", ".join(f'"{name}"' for name in Base.metadata.tables)
    connection = await asyncpg.connect(url)
    await connection.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
    await connection.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, migrated_sqlite: Path) -> str:
    """The URL of a database with all tables, all empty."""
    if request.param == "postgresql":
        url = str(request.getfixturevalue("shared_postgres_url"))
        asyncio.run(_truncate(url))
        return url
    shutil.copy(migrated_sqlite, tmp_path / "secretary.db")
    return sqlite_url(tmp_path)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url, ownership_timeout_s=0.2)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_database(tmp_path: Path, migrated_sqlite: Path) -> AsyncIterator[Database]:
    shutil.copy(migrated_sqlite, tmp_path / "secretary.db")
    opened = Database(sqlite_url(tmp_path), ownership_timeout_s=0.2)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def installation(tmp_path: Path, migrated_sqlite: Path) -> InstallationPaths:
    """An installation with rows, a recording and a key, which no process uses."""
    folder = tmp_path / "data"
    (folder / "recordings" / "2026").mkdir(parents=True)
    (folder / "recordings" / "2026" / "call-1.wav").write_bytes(b"RIFF" * 1000)
    (folder / "secret.key").write_text("k" * 43)
    shutil.copy(migrated_sqlite, folder / "secretary.db")
    database = Database(sqlite_url(folder))
    await database.open()
    async with database.unit_of_work() as work:
        await work.settings.save(Settings(faq=FaqSettings(ranked_threshold=90)), 1)
        for number in range(20):
            await work.audit.add(AuditEvent("anna", "update", "faq", str(number)))
    await database.close()
    return installation_paths(folder)
