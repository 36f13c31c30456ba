import asyncio
import errno
import json
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deployments.contracts.errors import Conflict, NotFound, SecretaryError, Unavailable
from storage import migrate
from storage.audit_pages import verify_audit_log
from storage.backup import create_backup
from storage.backup_archive import InstallationPaths
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.repositories.tokens import StoredRefreshToken
from storage.repositories.users import StoredUser
from storage.restore import restore_backup
from tests.storage.conftest import url_of
from tests.storage.installation_files import archive_files, installation_paths, table_rows
from tests.storage.test_durability import _small_files


async def test_a_backup_brings_back_every_row_and_recording(place: InstallationPaths, tmp_path: Path) -> None:
    archive, elsewhere = tmp_path / "b.tar.gz", installation_paths(tmp_path / "elsewhere")
    (place.recordings / f"звонок № 1 {'x' * 100}.wav").write_bytes(b"RIFF")
    create_backup(place, archive, [{"id": "piper", "files": {"x": "0" * 64}}])
    restored = await restore_backup(archive, elsewhere)
    assert restored.aside == ()
    assert table_rows(elsewhere.database) == table_rows(place.database)
    assert (elsewhere.recordings / "2026" / "call-1.wav").read_bytes() == b"RIFF" * 1000
    assert (elsewhere.recordings / f"звонок № 1 {'x' * 100}.wav").read_bytes() == b"RIFF"
    assert not (elsewhere.folder / "secret.key").exists()
    database = Database(url_of(elsewhere.folder))
    await database.open()
    assert await verify_audit_log(database) is None
    assert await database.check_integrity() == ()
    await database.close()
    assert [path.name for path in elsewhere.folder.iterdir() if path.name.startswith(".restore")] == []
    assert stat.S_IMODE(elsewhere.database.stat().st_mode) == 0o600


async def test_the_archive_is_private_readable_and_says_what_is_in_it(place: InstallationPaths, tmp_path: Path) -> None:
    archive = tmp_path / "b.tar.gz"
    manifest = create_backup(place, archive, [{"id": "piper"}])
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    parts = archive_files(archive)
    assert json.loads(parts["settings.json"])["faq"]["ranked_threshold"] == 90
    assert json.loads(parts["models.json"]) == [{"id": "piper"}]
    assert json.loads(parts["manifest.json"])["schema_revision"] == manifest.schema_revision
    assert b"k" * 43 not in b"".join(parts.values())
    with pytest.raises(Conflict, match="exists"):
        create_backup(place, archive)


async def test_keys_are_in_it_only_when_asked(place: InstallationPaths, tmp_path: Path) -> None:
    archive, elsewhere = tmp_path / "b.tar.gz", installation_paths(tmp_path / "elsewhere")
    assert create_backup(place, archive, with_keys=True).with_keys
    await restore_backup(archive, elsewhere)
    assert (elsewhere.folder / "secret.key").read_text() == "k" * 43


async def test_a_backup_while_somebody_writes_is_of_one_moment(tmp_path: Path) -> None:
    """Each of the writer's units of work leaves one row in three tables: a torn copy would count differently."""
    folder = tmp_path / "data"
    folder.mkdir()
    place = installation_paths(folder)
    command = [sys.executable, "-m", "tests.storage.endless_writer", url_of(folder)]
    counts = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        for number in range(5):
            archive, elsewhere = tmp_path / f"{number}.tar.gz", installation_paths(tmp_path / f"restored-{number}")
            await asyncio.to_thread(create_backup, place, archive)
            await restore_backup(archive, elsewhere)
            rows = table_rows(elsewhere.database)
            assert len(rows["faq_entries"]) == len(rows["audit_log"]) == len(rows["revisions"])
            counts.append(len(rows["revisions"]))
        assert writer.poll() is None
        writer.kill()
        written = len(writer.stdout.read().splitlines())
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]
    assert written >= counts[-1] - counts[0]


async def test_restoring_over_something_wants_force_and_keeps_the_old_aside(
    place: InstallationPaths, tmp_path: Path
) -> None:
    archive = tmp_path / "b.tar.gz"
    create_backup(place, archive)
    before = table_rows(place.database)
    database = Database(url_of(place.folder))
    await database.open()
    async with database.unit_of_work() as work:
        await work.audit.add(AuditEvent("anna", "later", "faq"))
    later = len(table_rows(place.database)["audit_log"])
    with pytest.raises(Conflict, match="in use"):
        await restore_backup(archive, place, force=True)
    await database.close()
    with pytest.raises(Conflict, match="--force"):
        await restore_backup(archive, place)
    restored = await restore_backup(archive, place, force=True)
    assert table_rows(place.database) == before
    (aside,) = restored.aside
    assert len(table_rows(aside / "secretary.db")["audit_log"]) == later
    assert (aside / "recordings" / "2026" / "call-1.wav").exists()
    assert (place.folder / "secret.key").read_text() == "k" * 43


_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from storage.backup_archive import InstallationPaths
from storage.restore import restore_backup

def moved(target):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

archive, folder, left = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
paths = InstallationPaths(folder / "secretary.db", folder / "recordings", (folder / "secret.key",))
asyncio.run(restore_backup(archive, paths, force=True, on_moved=moved))
"""


async def _left_by_a_kill(folder: Path) -> tuple[bool, bool, bool]:
    """Of database, recordings and key: whether each is the old one, after somebody opened the database."""
    database = Database(url_of(folder))
    await database.open()
    async with database.unit_of_work() as work:
        events = [event.action for event in await work.audit.newest(1)]
    await database.close()
    recording, key = folder / "recordings" / "2026" / "call-1.wav", folder / "secret.key"
    return events == ["later"], recording.read_bytes() == b"later", key.read_text() == "l" * 43


async def test_a_restore_that_is_killed_between_two_moves_is_undone_and_one_behind_the_last_stays(
    place: InstallationPaths, tmp_path: Path
) -> None:
    archive = tmp_path / "b.tar.gz"
    create_backup(place, archive, with_keys=True)
    database = Database(url_of(place.folder))
    await database.open()
    async with database.unit_of_work() as work:
        await work.audit.add(AuditEvent("anna", "later", "faq"))
    await database.close()
    (place.recordings / "2026" / "call-1.wav").write_bytes(b"later")
    (place.folder / "secret.key").write_text("l" * 43)
    before = sorted(place.folder.iterdir())
    for count in range(1, 7):  # three go aside, three come in
        command = [sys.executable, "-c", _KILLED, str(archive), str(place.folder), str(count)]
        assert await asyncio.to_thread(subprocess.call, command) == -9
        assert (place.folder / "secretary.db").exists() == (count == 6)
        old = await _left_by_a_kill(place.folder)
        assert old == ((False,) * 3 if count == 6 else (True,) * 3)
        left = [path for path in place.folder.iterdir() if not path.name.startswith(".restore-")]
        if count < 6:
            assert sorted(left) == before
    await restore_backup(archive, place, force=True)
    assert not (place.folder / "secretary.db.restoring").exists()


async def test_a_restore_begins_with_the_end_of_one_that_was_killed(place: InstallationPaths, tmp_path: Path) -> None:
    archive = tmp_path / "b.tar.gz"
    create_backup(place, archive)
    before = table_rows(place.database)
    command = [sys.executable, "-c", _KILLED, str(archive), str(place.folder), "2"]
    assert await asyncio.to_thread(subprocess.call, command) == -9
    with pytest.raises(Conflict, match="--force"):
        await restore_backup(archive, place)
    assert table_rows(place.database) == before


async def test_a_place_whose_old_database_is_nowhere_is_not_taken_for_an_empty_one(
    place: InstallationPaths, tmp_path: Path
) -> None:
    archive = tmp_path / "b.tar.gz"
    create_backup(place, archive)
    command = [sys.executable, "-c", _KILLED, str(archive), str(place.folder), "1"]
    assert await asyncio.to_thread(subprocess.call, command) == -9
    (aside,) = place.folder.glob("before-restore-*")
    aside.rename(tmp_path / "aside")
    database = Database(url_of(place.folder))
    with pytest.raises(Unavailable, match="is missing"):
        await database.open()
    assert not place.database.exists()
    (tmp_path / "aside").rename(aside)
    await database.open()
    await database.close()
    assert not aside.exists()


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system")
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)


async def test_database_and_data_folder_may_be_on_two_file_systems(
    place: InstallationPaths, tmp_path: Path, other_disk: Path
) -> None:
    archive = tmp_path / "b.tar.gz"
    create_backup(place, archive, with_keys=True)
    apart = InstallationPaths(tmp_path / "db" / "x.db", other_disk / "recordings", (other_disk / "secret.key",))
    for expected in (0, 2):
        assert len((await restore_backup(archive, apart, force=True)).aside) == expected
        assert table_rows(apart.database) == table_rows(place.database)
        assert (apart.recordings / "2026" / "call-1.wav").exists()
        assert (other_disk / "secret.key").read_text() == "k" * 43
    names = {path.name for folder in (tmp_path / "db", other_disk) for path in folder.iterdir()}
    assert not [name for name in names if name.startswith(".restore-") or name.endswith(".restoring")]


async def test_a_restore_that_cannot_move_moves_everything_back(place: InstallationPaths, tmp_path: Path) -> None:
    archive = tmp_path / "b.tar.gz"
    create_backup(place, archive)
    before = sorted(path.name for path in place.folder.iterdir())

    def refuse(_: Path) -> None:
        raise OSError(errno.EIO, "the disk is broken")

    with pytest.raises(Unavailable, match="nothing was changed"):
        await restore_backup(archive, place, force=True, on_moved=refuse)
    assert sorted(path.name for path in place.folder.iterdir()) == before


async def test_a_disk_without_hard_links_takes_a_backup_too(place: InstallationPaths, tmp_path: Path) -> None:
    def refuse(*_: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    archive = tmp_path / "b.tar.gz"
    create_backup(place, archive, link=refuse)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    await restore_backup(archive, installation_paths(tmp_path / "elsewhere"))
    with pytest.raises(Conflict, match="exists"):
        create_backup(place, archive, link=refuse)

    def overtaken(_: Path, target: Path) -> None:
        target.write_text("mine")
        refuse()

    with pytest.raises(Conflict):
        create_backup(place, tmp_path / "taken", link=overtaken)
    assert (tmp_path / "taken").read_text() == "mine"


async def _sign_in(place: InstallationPaths) -> None:
    """Three tokens: one open, one used, one revoked."""
    database = Database(url_of(place.folder))
    await database.open()
    now = datetime.now(UTC)
    async with database.unit_of_work() as work:
        user = await work.users.add(StoredUser("anna", "hash"))
        for name in ("open", "used", "revoked"):
            await work.tokens.add(StoredRefreshToken(name, name, user.id, now + timedelta(days=1), now))
        await work.tokens.mark_used("used", now)
        await work.tokens.revoke_family("revoked", now - timedelta(days=1))
        assert [one.family for one in await work.tokens.sign_ins(now)] == ["open"]
    await database.close()


async def test_a_restore_ends_every_sign_in(place: InstallationPaths, tmp_path: Path) -> None:
    await _sign_in(place)
    archive, elsewhere = tmp_path / "b.tar.gz", installation_paths(tmp_path / "elsewhere")
    create_backup(place, archive)
    await restore_backup(archive, elsewhere)
    database = Database(url_of(elsewhere.folder))
    await database.open()
    now = datetime.now(UTC)
    async with database.unit_of_work() as work:
        tokens = [await work.tokens.get(name) for name in ("open", "used", "revoked")]
        assert await work.tokens.sign_ins(now) == ()
    await database.close()
    ends = [token.revoked_at for token in tokens if token and token.revoked_at]
    assert [end > now - timedelta(minutes=5) for end in ends] == [True, True, False]


async def test_a_backup_of_the_first_version_is_restored_too(tmp_path: Path) -> None:
    place = installation_paths(tmp_path / "data")
    place.folder.mkdir()
    database = Database(url_of(place.folder))
    await database.open()
    await database.run_sync(lambda connection: migrate.downgrade(connection, "0001"))
    await database.close()
    archive, elsewhere = tmp_path / "b.tar.gz", installation_paths(tmp_path / "elsewhere")
    assert create_backup(place, archive).schema_revision == "0001"
    await restore_backup(archive, elsewhere)
    assert table_rows(elsewhere.database) == table_rows(place.database)


async def test_a_full_disk_leaves_no_half_archive(place: InstallationPaths, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    (place.recordings / "long.wav").write_bytes(bytes(range(256)) * 40_000)
    with sqlite3.connect(place.database) as connection:
        connection.execute("CREATE TABLE large AS SELECT hex(randomblob(3000000)) AS x")
    with _small_files(folder), pytest.raises(Unavailable):
        create_backup(place, folder / "b.tar.gz")
    assert list(folder.iterdir()) == []


async def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no database"):
        create_backup(installation_paths(tmp_path), tmp_path / "b.tar.gz")
    with pytest.raises(NotFound, match="no backup"):
        await restore_backup(tmp_path / "b.tar.gz", installation_paths(tmp_path / "elsewhere"))


async def test_a_damaged_database_is_not_backed_up(place: InstallationPaths, tmp_path: Path) -> None:
    content = bytearray(place.database.read_bytes())
    content[5000:9000] = b"\xff" * 4000
    place.database.write_bytes(bytes(content))
    with pytest.raises(SecretaryError):
        create_backup(place, tmp_path / "b.tar.gz")
    assert not (tmp_path / "b.tar.gz").exists()
