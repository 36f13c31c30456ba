"""Extracts files from untrusted zip archives. Only regular files are extracted, and their size is limited."""

import stat
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from deployments.models.catalogue import ModelFile
from deployments.models.downloader import translate_disk_errors
from deployments.models.errors import FileMismatch, SourceFailed
from deployments.models.progress import PullProgress
from deployments.models.store import InstalledFile
from deployments.models.verification import ExpectedFile, FileDigest, verify_file

_BLOCK = 1 << 20
_MAX_UNPACKED = 16 << 30  # bytes; far above any archive of the catalogue
_MAX_RATIO = 200


def extract_members(
    archives: Iterable[Path], members: tuple[str, ...], target: Path, expected: ExpectedFile, progress: PullProgress
) -> InstalledFile:
    """Concatenates ``members`` into the file ``target``. Each member is read from the archive that contains it.

    Raises SourceFailed for a member that is missing or no regular file, FileMismatch for wrong bytes.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = FileDigest()
    progress.start_file(expected.path, expected.size)
    paths = tuple(archives)
    with translate_disk_errors(target), target.open("wb") as file:
        for member in members:
            for data in _read(_find_archive(paths, member), member, expected.size):
                file.write(data)
                digest.update(data)
                progress.advance(expected.path, digest.size)
    try:
        return verify_file(expected, digest, target)
    except FileMismatch:
        target.unlink()
        raise


def extract_archive(archive: Path, strip: int, target: Path, progress: PullProgress) -> tuple[InstalledFile, ...]:
    """Extracts every file of ``archive`` to ``target``, without the first ``strip`` folders of its path.

    Raises SourceFailed for links, paths outside ``target``, duplicate names and archives that expand too far.
    """
    with _open(archive) as zip_file:
        infos = [info for info in zip_file.infolist() if not info.is_dir()]
        _check_unpacked_size(archive, infos)
        names = [_target_path(archive, info, strip) for info in infos]
    if not names or len(set(names)) != len(names):
        raise SourceFailed(f"{archive.name} is empty or contains a file twice")
    return tuple(
        extract_members([archive], (info.filename,), target / name, ExpectedFile(name, info.file_size), progress)
        for info, name in zip(infos, names, strict=True)
    )


def _target_path(archive: Path, info: zipfile.ZipInfo, strip: int) -> str:
    parts = PurePosixPath(info.filename).parts[strip:]
    try:
        ModelFile(path=info.filename)
        return ModelFile(path="/".join(parts)).path
    except ValidationError:
        raise SourceFailed(f"{archive.name} contains the unsafe path {info.filename!r}") from None


def _check_unpacked_size(archive: Path, infos: list[zipfile.ZipInfo]) -> None:
    total = sum(info.file_size for info in infos)
    if total > min(_MAX_UNPACKED, _MAX_RATIO * max(archive.stat().st_size, 1)):
        raise SourceFailed(f"{archive.name} would expand to {total} bytes")


def _find_archive(archives: tuple[Path, ...], member: str) -> Path:
    for path in archives:
        with _open(path) as zip_file:
            if member in zip_file.namelist():
                return path
    raise SourceFailed(f"none of {', '.join(p.name for p in archives)} contains {member}")


def _read(archive: Path, member: str, limit: int | None) -> Iterator[bytes]:
    with _open(archive) as zip_file:
        info = zip_file.getinfo(member)
        mode = info.external_attr >> 16
        if info.is_dir() or (mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG)) or info.flag_bits & 1:
            raise SourceFailed(f"{member} in {archive.name} is no regular file")
        if limit is not None and info.file_size > limit:
            raise FileMismatch(f"{member} in {archive.name} has {info.file_size} bytes, more than {limit}")
        try:
            with zip_file.open(info) as stream:
                while data := stream.read(_BLOCK):
                    yield data
        except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
            raise SourceFailed(f"{archive.name} is damaged: {error}") from error


def _open(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise SourceFailed(f"{path.name} is not a readable zip archive: {error}") from error
