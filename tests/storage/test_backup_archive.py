"""Backup archives that are manipulated, incomplete or too large."""

import gzip
import io
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from deployments.contracts.errors import InvalidRequest
from storage.backup import create_backup
from storage.backup_archive import InstallationPaths
from storage.restore import restore_backup
from tests.storage.installation_files import archive_files, installation_paths


def _rewrite(archive: Path, change: Callable[[tarfile.TarFile], None], *, without: str = "") -> None:
    """Writes the archive again, without one file and with what ``change`` adds."""
    files = archive_files(archive)
    with tarfile.open(archive, "w:gz", format=tarfile.GNU_FORMAT) as rewritten:
        for name, content in files.items():
            if name != without:
                _add(rewritten, name, content)
        change(rewritten)


def _add(archive: tarfile.TarFile, name: str, content: bytes = b"x", kind: bytes = tarfile.REGTYPE) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
    member.size = len(content) if kind == tarfile.REGTYPE else 0
    archive.addfile(member, io.BytesIO(content))


@pytest.fixture
def archive(installation: InstallationPaths, tmp_path: Path) -> Path:
    create_backup(installation, tmp_path / "b.tar.gz")
    return tmp_path / "b.tar.gz"


@pytest.fixture
def target(tmp_path: Path) -> InstallationPaths:
    return installation_paths(tmp_path / "target")


MANIPULATIONS: dict[str, Callable[[tarfile.TarFile], None]] = {
    "parent": lambda archive: _add(archive, "../evil"),
    "absolute": lambda archive: _add(archive, "/etc/evil"),
    "parent of a folder": lambda archive: _add(archive, "recordings/../../evil"),
    "backslash": lambda archive: _add(archive, "recordings/..\\..\\evil"),
    "symbolic link": lambda archive: _add(archive, "recordings/a", kind=tarfile.SYMTYPE),
    "hard link": lambda archive: _add(archive, "recordings/a", kind=tarfile.LNKTYPE),
    "fifo": lambda archive: _add(archive, "recordings/a", kind=tarfile.FIFOTYPE),
    "device": lambda archive: _add(archive, "recordings/a", kind=tarfile.CHRTYPE),
    "folder": lambda archive: _add(archive, "recordings", kind=tarfile.DIRTYPE),
    "not in the manifest": lambda archive: _add(archive, "recordings/unknown.wav"),
    "duplicate": lambda archive: _add(archive, "database.sqlite"),
    "foreign name": lambda archive: _add(archive, "secretary.lock"),
    "long name": lambda archive: _add(archive, "recordings/" + "a" * 2000),
}


@pytest.mark.parametrize("manipulation", MANIPULATIONS)
async def test_manipulated_archive_is_refused(
    archive: Path, target: InstallationPaths, tmp_path: Path, manipulation: str
) -> None:
    _rewrite(archive, MANIPULATIONS[manipulation])
    with pytest.raises(InvalidRequest):
        await restore_backup(archive, target)
    assert [path.name for path in target.folder.iterdir()] == ["secretary.lock"]
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("name", ["database.sqlite", "settings.json", "manifest.json", "recordings/2026/call-1.wav"])
async def test_archive_with_missing_or_changed_file_is_refused(
    archive: Path, target: InstallationPaths, name: str
) -> None:
    complete = archive.read_bytes()
    content = archive_files(archive)[name]
    _rewrite(archive, lambda _: None, without=name)
    with pytest.raises(InvalidRequest):
        await restore_backup(archive, target)
    archive.write_bytes(complete)
    _rewrite(archive, lambda rewritten: _add(rewritten, name, content[:-20] + b"?" * 20), without=name)
    with pytest.raises(InvalidRequest):
        await restore_backup(archive, target)
    assert not target.database.exists()


async def test_truncated_archive_is_refused(archive: Path, target: InstallationPaths) -> None:
    complete = archive.read_bytes()
    for percent in (0, 1, 10, 50, 90, 99):
        archive.write_bytes(complete[: len(complete) * percent // 100])
        with pytest.raises(InvalidRequest):
            await restore_backup(archive, target)
    archive.write_bytes(gzip.compress(b"a letter, no archive" * 100))
    with pytest.raises(InvalidRequest):
        await restore_backup(archive, target)


async def test_archive_of_a_newer_program_is_refused(
    installation: InstallationPaths, target: InstallationPaths, tmp_path: Path
) -> None:
    with sqlite3.connect(installation.database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    create_backup(installation, tmp_path / "newer.tar.gz")
    with pytest.raises(InvalidRequest, match="9999"):
        await restore_backup(tmp_path / "newer.tar.gz", target)


async def test_archive_larger_than_the_limit_is_refused(archive: Path, target: InstallationPaths) -> None:
    with pytest.raises(InvalidRequest):
        await restore_backup(archive, target, max_bytes=100_000)
