"""Creates a backup, also while the secretary runs.

A read-only connection copies the database. It neither writes nor checkpoints, so the WAL-reset bug of SQLite 3.7.0 to
3.51.2 cannot occur, and in WAL mode it blocks no writer. One step copies all pages, so the copy is consistent.
"""

import contextlib
import errno
import io
import json
import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, cast

from deployments.contracts.errors import Conflict, InvalidRequest, NotFound, Unavailable
from storage.backup_archive import (
    DATABASE,
    KEYS,
    MANIFEST,
    MODELS,
    RECORDINGS,
    SETTINGS,
    VOICES,
    BackupFile,
    BackupManifest,
    InstallationPaths,
    copy_with_digest,
    is_backup_name,
)
from storage.restore_journal import fsync_directory

ModelInventory = Sequence[dict[str, object]]
"""The id, the revision and the SHA-256 of the files of each model."""

_Link = Callable[[Path, Path], None]
_LINKS_UNSUPPORTED = {errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS}


def create_backup(
    paths: InstallationPaths,
    target: Path,
    models: ModelInventory = (),
    *,
    with_keys: bool = False,
    link: _Link = os.link,
    on_copied: Callable[[int], None] = lambda _: None,
) -> BackupManifest:
    """Writes the archive ``target`` (mode 0600). ``target`` appears when it is complete. ``on_copied`` gets the number
    of bytes of each step, ``backup_size`` of them in all.

    Raises NotFound without a database, Conflict when ``target`` exists, Unavailable when the disk is full or the
    database is damaged.
    """
    if not paths.database.is_file():
        raise NotFound(f"there is no database at {paths.database}")
    if target.exists():
        raise Conflict(f"{target} exists: choose another name")
    with (
        _translate_errors(target),
        tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=".backup-") as folder,
    ):
        copy, archive = Path(folder) / DATABASE, Path(folder) / "archive"
        _copy_database(paths.database, copy)
        with os.fdopen(os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            manifest = _ArchiveWriter(paths, copy, models, on_copied).write(file, with_keys)
            file.flush()
            os.fsync(file.fileno())
        _publish(archive, target, link)
        fsync_directory(target.absolute().parent)
    return manifest


def backup_size(paths: InstallationPaths) -> int:
    """About how many bytes a backup copies, before compression."""
    files = (paths.database, *_regular_files(paths.recordings), *_regular_files(paths.voices))
    return sum(path.stat().st_size for path in files if path.is_file())


class _ArchiveWriter:
    def __init__(
        self,
        paths: InstallationPaths,
        database_copy: Path,
        models: ModelInventory,
        on_copied: Callable[[int], None],
    ) -> None:
        self._on_copied = on_copied
        self._paths = paths
        self._database_copy = database_copy
        self._models = models
        self._files: list[BackupFile] = []

    def write(self, file: IO[bytes], with_keys: bool) -> BackupManifest:
        with tarfile.open(fileobj=file, mode="w:gz", format=tarfile.GNU_FORMAT, compresslevel=6) as archive:
            self._add_file(archive, DATABASE, self._database_copy)
            revision, settings = _revision_and_settings(self._database_copy)
            self._add_bytes(archive, SETTINGS, _json(settings))
            self._add_bytes(archive, MODELS, _json(list(self._models)))
            for name, folder in ((RECORDINGS, self._paths.recordings), (VOICES, self._paths.voices)):
                for path in _regular_files(folder):
                    self._add_file(archive, f"{name}/{path.relative_to(folder)}", path)
            for key in self._paths.keys if with_keys else ():
                if key.is_file():
                    self._add_file(archive, f"{KEYS}/{key.name}", key)
            manifest = BackupManifest(
                version=version("ai-secretary"),
                schema_revision=revision,
                created_at=datetime.now(UTC),
                with_keys=with_keys,
                parts=tuple(self._files),
            )
            self._add_bytes(archive, MANIFEST, manifest.model_dump_json(indent=2).encode())
        return manifest

    def _add_file(self, archive: tarfile.TarFile, name: str, path: Path) -> None:
        with (
            contextlib.suppress(FileNotFoundError),
            path.open("rb") as source,
        ):  # a recording may be deleted at any time
            self._add(archive, name, source, os.fstat(source.fileno()).st_size)

    def _add_bytes(self, archive: tarfile.TarFile, name: str, content: bytes) -> None:
        self._add(archive, name, io.BytesIO(content), len(content))

    def _add(self, archive: tarfile.TarFile, name: str, source: IO[bytes], size: int) -> None:
        if not is_backup_name(name):
            raise InvalidRequest(f"{name!r} has a name that a backup cannot contain: rename or remove it")
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size, 0o600, int(datetime.now(UTC).timestamp())
        archive.addfile(member)
        target = cast(IO[bytes], archive.fileobj)
        self._files.append(
            BackupFile(name=name, size=size, sha256=copy_with_digest(source, target, size, self._on_copied))
        )
        padding = -size % tarfile.BLOCKSIZE
        target.write(b"\0" * padding)
        archive.offset += size + padding


def _copy_database(database: Path, copy: Path) -> None:
    """Copies ``database`` into one file that needs no WAL. Raises Unavailable when the copy is damaged."""
    os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with (
        contextlib.closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as source,
        contextlib.closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target, pages=-1)
        target.execute("PRAGMA journal_mode=DELETE")
        if target.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
            raise Unavailable("the database is damaged: no backup was made; restore an earlier one")


def _revision_and_settings(copy: Path) -> tuple[str, dict[str, object]]:
    """The schema revision and the stored settings."""
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        rows = connection.execute("SELECT name, value FROM settings ORDER BY name").fetchall()
    return str(revision), {str(name): json.loads(value) for name, value in rows}


def _regular_files(folder: Path) -> Iterator[Path]:
    """Regular files below ``folder``. Links are not followed, and hidden files are left out: drafts, and what is made
    anew."""
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not path.is_symlink() and not hidden:
            yield path


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True).encode()


def _publish(archive: Path, target: Path, link: _Link) -> None:
    """Renames the archive to ``target``. Raises FileExistsError when ``target`` exists."""
    try:
        link(archive, target)
    except OSError as error:
        if error.errno not in _LINKS_UNSUPPORTED:
            raise
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        os.replace(archive, target)


@contextlib.contextmanager
def _translate_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise Conflict(f"{target} exists: choose another name") from None
    except sqlite3.Error as error:
        raise Unavailable(f"the database cannot be copied: {error}") from error
    except OSError as error:
        raise Unavailable(f"no backup was made: {error.strerror or error}") from error
