import asyncio
import errno
import signal
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deployments.contracts.errors import Conflict, Unavailable
from storage.backup import create_backup
from storage.backup_archive import InstallationPaths
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.repositories.tokens import StoredRefreshToken
from storage.repositories.users import StoredUser
from storage.restore import restore_backup
from tests.storage.database_urls import sqlite_url
from tests.storage.forked_processes import exit_code_of
from tests.storage.installation_files import installation_paths, table_rows
from tests.storage.killed_processes import restore_until

MOVES = 6
"""Of a restore over an existing installation: three files aside, three into place."""


@pytest.fixture
def archive(installation: InstallationPaths, tmp_path: Path) -> Path:
    """A backup of the installation, with its key."""
    create_backup(installation, tmp_path / "b.tar.gz", with_keys=True)
    return tmp_path / "b.tar.gz"


async def _restore_until(archive: Path, folder: Path, moves: int) -> None:
    """Kills a restore after the given number of moves."""
    assert await asyncio.to_thread(exit_code_of, restore_until, archive, folder, moves) == -signal.SIGKILL


async def _change(paths: InstallationPaths) -> None:
    """Makes database, recording and key differ from the backup."""
    database = Database(sqlite_url(paths.folder))
    await database.open()
    async with database.unit_of_work() as work:
        await work.audit.add(AuditEvent("anna", "later", "faq"))
    await database.close()
    (paths.recordings / "2026" / "call-1.wav").write_bytes(b"later")
    (paths.folder / "secret.key").write_text("l" * 43)


async def _changed_files(folder: Path) -> tuple[bool, bool, bool]:
    """Opens the database, then tells which of database, recording and key are those of ``_change``."""
    database = Database(sqlite_url(folder))
    await database.open()
    async with database.unit_of_work() as work:
        actions = [event.action for event in await work.audit.newest(1)]
    await database.close()
    recording, key = folder / "recordings" / "2026" / "call-1.wav", folder / "secret.key"
    return actions == ["later"], recording.read_bytes() == b"later", key.read_text() == "l" * 43


async def test_restore_requires_force_and_keeps_old_files(installation: InstallationPaths, tmp_path: Path) -> None:
    archive = tmp_path / "b.tar.gz"
    create_backup(installation, archive)
    before = table_rows(installation.database)
    database = Database(sqlite_url(installation.folder))
    await database.open()
    async with database.unit_of_work() as work:
        await work.audit.add(AuditEvent("anna", "later", "faq"))
    later = len(table_rows(installation.database)["audit_log"])
    with pytest.raises(Conflict, match="in use"):
        await restore_backup(archive, installation, force=True)
    await database.close()
    with pytest.raises(Conflict, match="--force"):
        await restore_backup(archive, installation)
    restored = await restore_backup(archive, installation, force=True)
    assert table_rows(installation.database) == before
    (aside,) = restored.aside
    assert len(table_rows(aside / "secretary.db")["audit_log"]) == later
    assert (aside / "recordings" / "2026" / "call-1.wav").exists()
    assert (installation.folder / "secret.key").read_text() == "k" * 43


@pytest.mark.parametrize("moves", range(1, MOVES))
async def test_killed_restore_is_undone(installation: InstallationPaths, archive: Path, moves: int) -> None:
    await _change(installation)
    before = sorted(installation.folder.iterdir())
    await _restore_until(archive, installation.folder, moves)
    assert not installation.database.exists()
    assert await _changed_files(installation.folder) == (True, True, True)
    files = [path for path in installation.folder.iterdir() if not path.name.startswith(".restore-")]
    assert sorted(files) == before


async def test_restore_killed_after_the_last_move_is_kept(installation: InstallationPaths, archive: Path) -> None:
    await _change(installation)
    await _restore_until(archive, installation.folder, MOVES)
    assert await _changed_files(installation.folder) == (False, False, False)
    await restore_backup(archive, installation, force=True)
    assert not (installation.folder / "secretary.db.restoring").exists()


async def test_restore_first_undoes_a_killed_one(installation: InstallationPaths, archive: Path) -> None:
    before = table_rows(installation.database)
    await _restore_until(archive, installation.folder, 2)
    with pytest.raises(Conflict, match="--force"):
        await restore_backup(archive, installation)
    assert table_rows(installation.database) == before


async def test_missing_old_database_is_not_replaced(
    installation: InstallationPaths, archive: Path, tmp_path: Path
) -> None:
    await _restore_until(archive, installation.folder, 1)
    (aside,) = installation.folder.glob("before-restore-*")
    aside.rename(tmp_path / "aside")
    database = Database(sqlite_url(installation.folder))
    with pytest.raises(Unavailable, match="is missing"):
        await database.open()
    assert not installation.database.exists()
    (tmp_path / "aside").rename(aside)
    await database.open()
    await database.close()
    assert not aside.exists()


@pytest.fixture
def other_file_system(tmp_path: Path) -> Iterator[Path]:
    shared_memory = Path("/dev/shm")
    if not shared_memory.is_dir() or shared_memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system")
    with tempfile.TemporaryDirectory(dir=shared_memory) as folder:
        yield Path(folder)


async def test_restore_onto_two_file_systems(
    installation: InstallationPaths, archive: Path, tmp_path: Path, other_file_system: Path
) -> None:
    data = other_file_system
    paths = InstallationPaths(
        tmp_path / "db" / "x.db", data / "recordings", tmp_path / "models" / "voices", (data / "secret.key",)
    )
    for expected in (0, 2):
        assert len((await restore_backup(archive, paths, force=True)).aside) == expected
        assert table_rows(paths.database) == table_rows(installation.database)
        assert (paths.recordings / "2026" / "call-1.wav").exists()
        assert (data / "secret.key").read_text() == "k" * 43
    names = {path.name for folder in (tmp_path / "db", data) for path in folder.iterdir()}
    assert not [name for name in names if name.startswith(".restore-") or name.endswith(".restoring")]


async def test_failed_move_undoes_the_restore(installation: InstallationPaths, archive: Path) -> None:
    before = sorted(path.name for path in installation.folder.iterdir())

    def refuse(_: Path) -> None:
        raise OSError(errno.EIO, "the disk is broken")

    with pytest.raises(Unavailable):
        await restore_backup(archive, installation, force=True, on_moved=refuse)
    assert sorted(path.name for path in installation.folder.iterdir()) == before


async def test_restore_revokes_every_sign_in(installation: InstallationPaths, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    database = Database(sqlite_url(installation.folder))
    await database.open()
    async with database.unit_of_work() as work:
        user = await work.users.add(StoredUser("anna", "hash"))
        for name in ("open", "used", "revoked"):
            await work.tokens.add(StoredRefreshToken(name, name, user.id, now + timedelta(days=1), now))
        await work.tokens.mark_used("used", now)
        await work.tokens.revoke_family("revoked", now - timedelta(days=1))
        assert [each.family for each in await work.tokens.sign_ins(now)] == ["open"]
    await database.close()
    create_backup(installation, tmp_path / "b.tar.gz")
    restored = installation_paths(tmp_path / "restored")
    await restore_backup(tmp_path / "b.tar.gz", restored)
    database = Database(sqlite_url(restored.folder))
    await database.open()
    async with database.unit_of_work() as work:
        tokens = [await work.tokens.get(name) for name in ("open", "used", "revoked")]
        assert await work.tokens.sign_ins(now) == ()
    await database.close()
    revoked_at = [token.revoked_at for token in tokens if token and token.revoked_at]
    assert [each > now - timedelta(minutes=5) for each in revoked_at] == [True, True, False]
