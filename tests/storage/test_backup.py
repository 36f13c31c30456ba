import asyncio
import errno
import json
import os
import sqlite3
import stat
import time
from pathlib import Path

import pytest

from deployments.contracts.errors import Conflict, NotFound, SecretaryError, Unavailable
from storage import migrate
from storage.backup import create_backup
from storage.backup_archive import InstallationPaths
from storage.database import Database
from storage.restore import restore_backup
from tests.storage.audit_rows import first_broken_row
from tests.storage.database_urls import sqlite_url
from tests.storage.forked_processes import ForkedProcess
from tests.storage.installation_files import archive_files, installation_paths, table_rows
from tests.storage.killed_processes import write_endlessly
from tests.storage.small_disk import limited_file_size


async def test_backup_contains_every_row_and_recording(installation: InstallationPaths, tmp_path: Path) -> None:
    archive, restored = tmp_path / "b.tar.gz", installation_paths(tmp_path / "restored")
    name = f"звонок № 1 {'x' * 100}.wav"
    (installation.recordings / name).write_bytes(b"RIFF")
    (installation.voices / "gulya" / ".latents").mkdir(parents=True)
    for file in ("gulya/sample-1.wav", "gulya/.latents/made-anew"):
        (installation.voices / file).write_bytes(b"voice")
    create_backup(installation, archive, [{"id": "piper", "files": {"x": "0" * 64}}])
    assert (await restore_backup(archive, restored)).aside == ()
    assert table_rows(restored.database) == table_rows(installation.database)
    assert (restored.recordings / "2026" / "call-1.wav").read_bytes() == b"RIFF" * 1000
    assert (restored.recordings / name).read_bytes() == b"RIFF"
    assert [file.read_bytes() for file in restored.voices.rglob("*") if file.is_file()] == [b"voice"]
    assert not (restored.folder / "secret.key").exists()
    assert not list(restored.folder.glob(".restore*"))
    assert stat.S_IMODE(restored.database.stat().st_mode) == 0o600
    database = Database(sqlite_url(restored.folder))
    await database.open()
    assert await first_broken_row(database) is None
    assert await database.check_integrity() == ()
    await database.close()


async def test_archive_is_private_and_describes_itself(installation: InstallationPaths, tmp_path: Path) -> None:
    archive = tmp_path / "b.tar.gz"
    manifest = create_backup(installation, archive, [{"id": "piper"}])
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    files = archive_files(archive)
    assert json.loads(files["settings.json"])["faq"]["ranked_threshold"] == 90
    assert json.loads(files["models.json"]) == [{"id": "piper"}]
    assert json.loads(files["manifest.json"])["schema_revision"] == manifest.schema_revision
    assert b"k" * 43 not in b"".join(files.values())
    with pytest.raises(Conflict):
        create_backup(installation, archive)


async def test_backup_contains_keys_on_request(installation: InstallationPaths, tmp_path: Path) -> None:
    archive, restored = tmp_path / "b.tar.gz", installation_paths(tmp_path / "restored")
    assert create_backup(installation, archive, with_keys=True).with_keys
    await restore_backup(archive, restored)
    assert (restored.folder / "secret.key").read_text() == "k" * 43


async def test_backup_during_writes_is_consistent(tmp_path: Path) -> None:
    """Each unit of work of the writer adds one row to three tables, which an inconsistent copy would tear apart."""
    folder, acknowledged = tmp_path / "data", tmp_path / "acknowledged"
    folder.mkdir()
    acknowledged.touch()
    paths, counts = installation_paths(folder), []
    writer = ForkedProcess(write_endlessly, sqlite_url(folder), acknowledged)
    writer.start()
    for number in range(3):
        written = acknowledged.stat().st_size
        while acknowledged.stat().st_size == written:
            assert writer.running
            await asyncio.to_thread(time.sleep, 0.001)
        archive, restored = tmp_path / f"{number}.tar.gz", installation_paths(tmp_path / f"restored-{number}")
        await asyncio.to_thread(create_backup, paths, archive)
        await restore_backup(archive, restored)
        rows = table_rows(restored.database)
        assert len(rows["faq_entries"]) == len(rows["audit_log"]) == len(rows["revisions"])
        counts.append(len(rows["revisions"]))
    assert writer.running
    writer.kill()
    assert 0 < counts[0] < counts[1] < counts[2]


async def test_backup_without_hard_links(installation: InstallationPaths, tmp_path: Path) -> None:
    def refuse(*_: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    archive = tmp_path / "b.tar.gz"
    create_backup(installation, archive, link=refuse)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    await restore_backup(archive, installation_paths(tmp_path / "restored"))
    with pytest.raises(Conflict):
        create_backup(installation, archive, link=refuse)

    def refuse_late(_: Path, target: Path) -> None:
        target.write_text("mine")
        refuse()

    with pytest.raises(Conflict):
        create_backup(installation, tmp_path / "taken", link=refuse_late)
    assert (tmp_path / "taken").read_text() == "mine"


async def test_backup_of_the_first_schema_is_restored(tmp_path: Path) -> None:
    paths = installation_paths(tmp_path / "data")
    paths.folder.mkdir()
    database = Database(sqlite_url(paths.folder))
    await database.open()
    await database.run_sync(lambda connection: migrate.downgrade(connection, "0001"))
    await database.close()
    archive, restored = tmp_path / "b.tar.gz", installation_paths(tmp_path / "restored")
    assert create_backup(paths, archive).schema_revision == "0001"
    await restore_backup(archive, restored)
    assert table_rows(restored.database) == table_rows(paths.database)


async def test_backup_on_a_full_disk_leaves_no_file(installation: InstallationPaths, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    with sqlite3.connect(installation.database) as connection:
        connection.execute("CREATE TABLE large AS SELECT hex(randomblob(1500000)) AS x")
    with limited_file_size(folder), pytest.raises(Unavailable):
        create_backup(installation, folder / "b.tar.gz")
    assert list(folder.iterdir()) == []


async def test_missing_database_or_archive_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        create_backup(installation_paths(tmp_path), tmp_path / "b.tar.gz")
    with pytest.raises(NotFound):
        await restore_backup(tmp_path / "b.tar.gz", installation_paths(tmp_path / "restored"))


async def test_damaged_database_is_not_backed_up(installation: InstallationPaths, tmp_path: Path) -> None:
    content = bytearray(installation.database.read_bytes())
    content[5000:9000] = b"\xff" * 4000
    installation.database.write_bytes(bytes(content))
    with pytest.raises(SecretaryError):
        create_backup(installation, tmp_path / "b.tar.gz")
    assert not (tmp_path / "b.tar.gz").exists()
