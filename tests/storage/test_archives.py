"""Archives that lie, lack a part, are cut off or too large: refused, and nothing changes."""

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


def _rewritten(archive: Path, change: Callable[[tarfile.TarFile], None], *, without: str = "") -> None:
    """The archive with other members: all but ``without``, then what ``change`` adds."""
    parts = archive_files(archive)
    with tarfile.open(archive, "w:gz", format=tarfile.GNU_FORMAT) as made:
        for name, content in parts.items():
            if name != without:
                _add(made, name, content)
        change(made)


def _add(archive: tarfile.TarFile, name: str, content: bytes = b"x", kind: bytes = tarfile.REGTYPE) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
    member.size = len(content) if kind == tarfile.REGTYPE else 0
    archive.addfile(member, io.BytesIO(content))


TRICKS: list[Callable[[tarfile.TarFile], None]] = [
    lambda made: _add(made, "../evil"),
    lambda made: _add(made, "/etc/evil"),
    lambda made: _add(made, "recordings/../../evil"),
    lambda made: _add(made, "recordings/..\\..\\evil"),
    lambda made: _add(made, "recordings/a", kind=tarfile.SYMTYPE),
    lambda made: _add(made, "recordings/a", kind=tarfile.LNKTYPE),
    lambda made: _add(made, "recordings/a", kind=tarfile.FIFOTYPE),
    lambda made: _add(made, "recordings/a", kind=tarfile.CHRTYPE),
    lambda made: _add(made, "recordings", kind=tarfile.DIRTYPE),
    lambda made: _add(made, "recordings/unknown-to-the-manifest.wav"),
    lambda made: _add(made, "settings.json"),
    lambda made: _add(made, "secretary.lock"),
    lambda made: _add(made, "recordings/" + "a" * 2000),
    lambda made: _add(made, "database.sqlite"),
]


@pytest.mark.parametrize("trick", TRICKS)
async def test_an_archive_with_a_trick_is_refused_and_nothing_changes(
    place: InstallationPaths, tmp_path: Path, trick: Callable[[tarfile.TarFile], None]
) -> None:
    archive, elsewhere = tmp_path / "b.tar.gz", installation_paths(tmp_path / "elsewhere")
    create_backup(place, archive)
    _rewritten(archive, trick)
    with pytest.raises(InvalidRequest, match="nothing was changed"):
        await restore_backup(archive, elsewhere)
    assert [path.name for path in elsewhere.folder.iterdir()] == ["secretary.lock"]
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("part", ["database.sqlite", "settings.json", "manifest.json", "recordings/2026/call-1.wav"])
async def test_an_archive_that_lacks_a_part_or_has_it_changed_is_refused(
    place: InstallationPaths, tmp_path: Path, part: str
) -> None:
    archive, elsewhere = tmp_path / "b.tar.gz", installation_paths(tmp_path / "elsewhere")
    create_backup(place, archive)
    whole = archive.read_bytes()
    _rewritten(archive, lambda _: None, without=part)
    with pytest.raises(InvalidRequest):
        await restore_backup(archive, elsewhere)
    archive.write_bytes(whole)
    content = archive_files(archive)[part]
    _rewritten(archive, lambda made: _add(made, part, content[:-20] + b"?" * 20), without=part)
    with pytest.raises(InvalidRequest):
        await restore_backup(archive, elsewhere)
    assert not elsewhere.database.exists()


async def test_an_archive_cut_off_anywhere_is_refused(place: InstallationPaths, tmp_path: Path) -> None:
    archive, elsewhere = tmp_path / "b.tar.gz", installation_paths(tmp_path / "elsewhere")
    create_backup(place, archive)
    whole = archive.read_bytes()
    for share in (0, 1, 10, 50, 90, 99):
        archive.write_bytes(whole[: len(whole) * share // 100])
        with pytest.raises(InvalidRequest):
            await restore_backup(archive, elsewhere)
    archive.write_bytes(gzip.compress(b"a letter, no archive" * 100))
    with pytest.raises(InvalidRequest):
        await restore_backup(archive, elsewhere)


async def test_an_archive_of_a_newer_program_is_refused(place: InstallationPaths, tmp_path: Path) -> None:
    with sqlite3.connect(place.database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    archive = tmp_path / "b.tar.gz"
    create_backup(place, archive)
    with pytest.raises(InvalidRequest, match="newer than this program"):
        await restore_backup(archive, installation_paths(tmp_path / "elsewhere"))


async def test_an_archive_larger_than_the_room_is_refused(place: InstallationPaths, tmp_path: Path) -> None:
    archive, elsewhere = tmp_path / "b.tar.gz", installation_paths(tmp_path / "elsewhere")
    create_backup(place, archive)
    with pytest.raises(InvalidRequest, match="space"):
        await restore_backup(archive, elsewhere, max_bytes=100_000)
