"""Restores a backup: unpacks it beside its target, checks it, then moves it into place. Each file is unpacked on the
file system of its target, so that every move is a rename.
"""

import contextlib
import gzip
import math
import os
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from alembic.config import Config
from alembic.script import ScriptDirectory
from pydantic import ValidationError

from deployments.contracts.errors import Conflict, NotFound, Unavailable
from storage.backup_archive import (
    DATABASE,
    FORMAT,
    KEYS,
    MANIFEST,
    MAX_TEXT_BYTES,
    RECORDINGS,
    VOICES,
    BackupFile,
    BackupManifest,
    InstallationPaths,
    RegularFileMember,
    checked_name,
    copy_with_digest,
    invalid_backup,
)
from storage.migrate import MIGRATIONS
from storage.ownership import FileOwnership
from storage.restore_journal import ASIDE_PREFIX, DRAFT_PREFIX, execute_moves, journal_path, recover_moves

_RESERVED_BYTES = 50_000_000
_MAX_FILES = 1_000_000


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """``aside`` lists the folders that hold the replaced files."""

    manifest: BackupManifest
    aside: tuple[Path, ...]


def _ignore(_: Path) -> None:
    """The default callback."""


async def restore_backup(
    archive: Path,
    paths: InstallationPaths,
    *,
    force: bool = False,
    max_bytes: int | None = None,
    on_moved: Callable[[Path], None] = _ignore,
) -> RestoreResult:
    """Replaces the installation at ``paths`` and revokes every sign-in.

    ``max_bytes`` limits the unpacked size, and so does the free disk space. ``on_moved`` is called with the target of
    each move. When the process is killed, the next one that opens the database finds it unchanged or fully restored.

    Raises Conflict while a secretary runs, or when the installation is not empty and ``force`` is false. Raises
    InvalidRequest for an archive that is damaged, foreign or newer than this program. Nothing is changed then.
    """
    _require_archive(archive, paths)
    ownership = FileOwnership(paths.database.with_suffix(".lock"))
    await ownership.acquire(0)
    try:
        recover_moves(journal_path(paths.database))
        return _restore(archive, paths, force, max_bytes, on_moved)
    finally:
        await ownership.release()


def _require_archive(archive: Path, paths: InstallationPaths) -> None:
    if not archive.is_file():
        raise NotFound(f"there is no backup at {archive}")
    paths.folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _restore(
    archive: Path, paths: InstallationPaths, force: bool, max_bytes: int | None, on_moved: Callable[[Path], None]
) -> RestoreResult:
    existing = [path for path in _replaceable(paths) if path.exists()]
    if existing and not force:
        raise Conflict(f"{paths.folder} is not empty ({existing[0].name}): --force moves its files aside")
    with _translate_errors(), _Staging(paths, max_bytes) as staging:
        manifest = _unpack(archive, staging)
        _check_database(staging.path(DATABASE), manifest)
        _revoke_sign_ins(staging.path(DATABASE))
        return RestoreResult(manifest, _move_into_place(staging, paths, on_moved))


class _Staging:
    """Temporary folders for unpacked files, one in each target folder."""

    def __init__(self, paths: InstallationPaths, max_bytes: int | None) -> None:
        self._paths = paths
        self._remaining_bytes = math.inf if max_bytes is None else max_bytes
        self._folders: dict[Path, Path] = {}
        self._free_bytes: dict[Path, int] = {}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def path(self, name: str) -> Path:
        """The path of the file ``name``, or of the folder ``recordings`` or ``voices``."""
        return self._folder(self._target_folder(name)) / name

    def unpacked(self, name: str) -> Path | None:
        """The path of a file or folder that the archive had. Creates nothing."""
        folder = self._folders.get(self._target_folder(name))
        return folder / name if folder is not None and (folder / name).exists() else None

    def reserve(self, name: str, size: int) -> None:
        """Accounts for a file of ``size`` bytes. Raises InvalidRequest when it exceeds a limit."""
        target = self._target_folder(name)
        self._folder(target)
        self._free_bytes[target] -= size
        self._remaining_bytes -= size
        if min(self._free_bytes[target], self._remaining_bytes) < 0:
            raise invalid_backup("it is larger than the available space")

    def _target_folder(self, name: str) -> Path:
        top, _, inner = name.partition("/")
        if top in (RECORDINGS, VOICES):
            return (self._paths.recordings if top == RECORDINGS else self._paths.voices).parent
        keys = {key.name: key.parent for key in self._paths.keys} if top == KEYS else {}
        return keys.get(inner, self._paths.folder)

    def _folder(self, target: Path) -> Path:
        if target not in self._folders:
            target.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = self._stack.enter_context(tempfile.TemporaryDirectory(dir=target, prefix=DRAFT_PREFIX))
            self._folders[target] = Path(folder)
            self._free_bytes[target] = max(0, shutil.disk_usage(target).free - _RESERVED_BYTES)
        return self._folders[target]


def _unpack(archive: Path, staging: _Staging) -> BackupManifest:
    found: dict[str, BackupFile] = {}
    with tarfile.open(archive, "r|gz", tarinfo=RegularFileMember) as members:
        for member in members:
            name = checked_name(member)
            staging.reserve(name, member.size)
            if len(found) > _MAX_FILES:
                raise invalid_backup("it contains too many files")
            if name in found or (name == MANIFEST and member.size > MAX_TEXT_BYTES):
                raise invalid_backup(f"{name} is a duplicate or too large")
            digest = _unpack_member(members, member, staging.path(name))
            found[name] = BackupFile(name=name, size=member.size, sha256=digest)
    return _checked_manifest(staging.path(MANIFEST), found)


def _unpack_member(members: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> str:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    source = members.extractfile(member)
    if source is None:
        raise invalid_backup("it contains something that is not a regular file")
    with source, os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        digest = copy_with_digest(source, target, member.size)
        target.flush()
        os.fsync(target.fileno())
    return digest


def _checked_manifest(path: Path, found: dict[str, BackupFile]) -> BackupManifest:
    try:
        manifest = BackupManifest.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        raise invalid_backup("its manifest is missing or cannot be read") from None
    if manifest.format != FORMAT:
        raise invalid_backup(f"its format is {manifest.format}, this program reads {FORMAT}")
    del found[MANIFEST]
    listed = {part.name: part for part in manifest.parts}
    wrong = sorted(name for name in listed.keys() | found.keys() if listed.get(name) != found.get(name))
    if wrong or DATABASE not in found:
        raise invalid_backup(f"{(wrong or [DATABASE])[0]} is missing or damaged")
    return manifest


def _check_database(path: Path, manifest: BackupManifest) -> None:
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        sound = connection.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",)
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if not sound or row is None or row[0] != manifest.schema_revision:
        raise invalid_backup("its database is damaged")
    if manifest.schema_revision not in _known_revisions():
        raise invalid_backup(
            f"its tables (revision {manifest.schema_revision}) are newer than this program: update first"
        )


def _revoke_sign_ins(path: Path) -> None:
    """Revokes all refresh tokens. One that was used or revoked after the backup would be valid again otherwise."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")  # SQLAlchemy's format
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        table = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'refresh_tokens'").fetchone()
        if table is not None:
            connection.execute("UPDATE refresh_tokens SET revoked_at = ? WHERE revoked_at IS NULL", (now,))


def _known_revisions() -> set[str]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}


def _replaceable(paths: InstallationPaths) -> tuple[Path, ...]:
    """The files that every restore replaces. SQLite's WAL and shared-memory files belong to the database."""
    database = paths.database
    side_files = (database.with_name(f"{database.name}-wal"), database.with_name(f"{database.name}-shm"))
    return (database, *side_files, paths.recordings, paths.voices)


def _move_into_place(staging: _Staging, paths: InstallationPaths, on_moved: Callable[[Path], None]) -> tuple[Path, ...]:
    """Moves the old files aside, then the new ones into place, the database last. Returns the folders of the old
    files."""
    targets = [(f"{KEYS}/{key.name}", key) for key in paths.keys]
    targets += [(RECORDINGS, paths.recordings), (VOICES, paths.voices), (DATABASE, paths.database)]
    incoming = [(path, target) for name, target in targets if (path := staging.unpacked(name)) is not None]
    aside = f"{ASIDE_PREFIX}{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    replaced = [*_replaceable(paths), *(target for _, target in incoming if target in paths.keys)]
    outgoing = [(path, path.parent / aside / path.name) for path in replaced if path.exists()]
    execute_moves([*outgoing, *incoming], journal_path(paths.database), on_moved)
    return tuple(dict.fromkeys(target.parent for _, target in outgoing))


@contextlib.contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, sqlite3.DatabaseError):
        raise invalid_backup("it is damaged or not a backup") from None
    except OSError as error:
        raise Unavailable(f"the backup was not restored: {error.strerror or error}; nothing was changed") from error
