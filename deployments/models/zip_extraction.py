"""Taking data files out of zip archives of strangers: named members only, plain files only, bounded size."""

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
_MAX_UNPACKED = 16 << 30  # bytes; no catalogue archive comes near
_MAX_RATIO = 200


def extract_members(
    archives: Iterable[Path], members: tuple[str, ...], target: Path, expected: ExpectedFile, progress: PullProgress
) -> InstalledFile:
    """Writes ``members``, one after the other, to ``target``; each is taken from the archive that has it.

    Raises SourceFailed when a member is missing or no plain file, Mismatch when the bytes are wrong.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    meter = FileDigest()
    progress.start_file(expected.path, expected.size)
    paths = tuple(archives)
    with translate_disk_errors(target), target.open("wb") as file:
        for member in members:
            for data in _read(_holder(paths, member), member, expected.size):
                file.write(data)
                meter.update(data)
                progress.advance(expected.path, meter.size)
    try:
        return verify_file(expected, meter, target)
    except FileMismatch:
        target.unlink()
        raise


def extract_archive(archive: Path, strip: int, target: Path, progress: PullProgress) -> tuple[InstalledFile, ...]:
    """Writes every file of ``archive`` below ``target`` without its first ``strip`` folders.

    Raises SourceFailed for links, paths that would leave ``target``, repeated names and archives that swell.
    """
    with _open(archive) as opened:
        infos = [i for i in opened.infolist() if not i.is_dir()]
        _check_swelling(archive, infos)
        names = [_stripped(archive, i, strip) for i in infos]
    if not names or len(set(names)) != len(names):
        raise SourceFailed(f"{archive.name} is empty or names a file twice")
    return tuple(
        extract_members([archive], (info.filename,), target / name, ExpectedFile(name, info.file_size), progress)
        for info, name in zip(infos, names, strict=True)
    )


def _stripped(archive: Path, info: zipfile.ZipInfo, strip: int) -> str:
    parts = PurePosixPath(info.filename).parts[strip:]
    try:
        ModelFile(path=info.filename)
        return ModelFile(path="/".join(parts)).path
    except ValidationError:
        raise SourceFailed(f"{archive.name} holds the unsafe path {info.filename!r}") from None


def _check_swelling(archive: Path, infos: list[zipfile.ZipInfo]) -> None:
    total = sum(i.file_size for i in infos)
    if total > min(_MAX_UNPACKED, _MAX_RATIO * max(archive.stat().st_size, 1)):
        raise SourceFailed(f"{archive.name} would swell to {total} bytes")


def _holder(archives: tuple[Path, ...], member: str) -> Path:
    for path in archives:
        with _open(path) as opened:
            if member in opened.namelist():
                return path
    raise SourceFailed(f"none of {', '.join(p.name for p in archives)} holds {member}")


def _read(archive: Path, member: str, limit: int | None) -> Iterator[bytes]:
    with _open(archive) as opened:
        info = opened.getinfo(member)
        mode = info.external_attr >> 16
        if info.is_dir() or (mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG)) or info.flag_bits & 1:
            raise SourceFailed(f"{member} in {archive.name} is no plain file")
        if limit is not None and info.file_size > limit:
            raise FileMismatch(f"{member} in {archive.name} has {info.file_size} bytes, more than {limit}")
        try:
            with opened.open(info) as stream:
                while data := stream.read(_BLOCK):
                    yield data
        except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
            raise SourceFailed(f"{archive.name} is damaged: {error}") from error


def _open(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise SourceFailed(f"{path.name} is no readable zip archive: {error}") from error
