"""Puts a backup back: unpacked beside the place and checked whole, then moved into it. What goes into another
folder than the database is unpacked there: that may be another file system, and nothing is moved from one to another.
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

_ROOM_LEFT = 50_000_000
_MOST_FILES = 1_000_000


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What was put back; ``aside`` are the folders with what was there before, if anything was."""

    manifest: BackupManifest
    aside: tuple[Path, ...]


def _on(_: Path) -> None:
    """Nobody watches."""


async def restore_backup(
    archive: Path,
    paths: InstallationPaths,
    *,
    force: bool = False,
    max_bytes: int | None = None,
    on_moved: Callable[[Path], None] = _on,
) -> RestoreResult:
    """Replaces what is at ``place`` and ends every sign-in. ``most_bytes`` bounds the unpacked size, as the room
    on the disks does. ``moved`` hears where each thing is as soon as it has been moved. Killed at any moment, the place
    is as it was before, or restored, for whoever opens it next.

    Raises Conflict while a secretary runs, or when the place is not empty and ``force`` is not given; InvalidRequest
    for an archive that is damaged, foreign or newer than this program: then nothing is changed.
    """
    _require(archive, paths)
    ownership = FileOwnership(paths.database.with_suffix(".lock"))
    await ownership.acquire(0)
    try:
        recover_moves(journal_path(paths.database))
        return _restore(archive, paths, force, max_bytes, on_moved)
    finally:
        await ownership.release()


def _require(archive: Path, place: InstallationPaths) -> None:
    if not archive.is_file():
        raise NotFound(f"there is no backup at {archive}")
    place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _restore(
    archive: Path, place: InstallationPaths, force: bool, most_bytes: int | None, moved: Callable[[Path], None]
) -> RestoreResult:
    occupied = [path for path in _belongings(place) if path.exists()]
    if occupied and not force:
        raise Conflict(f"{place.folder} is not empty ({occupied[0].name}): --force puts what is there aside")
    with _told(), _Staging(place, most_bytes) as staging:
        manifest = _unpack(archive, staging)
        _check_database(staging.path(DATABASE), manifest)
        _end_sign_ins(staging.path(DATABASE))
        return RestoreResult(manifest, _exchange(staging, place, moved))


class _Staging:
    """Where parts are unpacked: in a folder of its own beside the place where each is to be in the end."""

    def __init__(self, place: InstallationPaths, most_bytes: int | None) -> None:
        self._place = place
        self._left = math.inf if most_bytes is None else most_bytes
        self._folders: dict[Path, Path] = {}
        self._room: dict[Path, int] = {}
        self._ending = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.close()

    def path(self, name: str) -> Path:
        """Of the part ``name``, or of the folder ``recordings``."""
        return self._folder(self._beside(name)) / name

    def take(self, name: str, size: int) -> None:
        """Counts a part of ``size`` bytes. Raises InvalidRequest when there is no room for it."""
        beside = self._beside(name)
        self._folder(beside)
        self._room[beside] -= size
        self._left -= size
        if min(self._room[beside], self._left) < 0:
            raise invalid_backup("it is larger than the room there is")

    def _beside(self, name: str) -> Path:
        top, _, inner = name.partition("/")
        if top == RECORDINGS:
            return self._place.recordings.parent
        keys = {key.name: key.parent for key in self._place.keys} if top == KEYS else {}
        return keys.get(inner, self._place.folder)

    def _folder(self, beside: Path) -> Path:
        if beside not in self._folders:
            beside.mkdir(mode=0o700, parents=True, exist_ok=True)
            made = self._ending.enter_context(tempfile.TemporaryDirectory(dir=beside, prefix=DRAFT_PREFIX))
            self._folders[beside] = Path(made)
            self._room[beside] = max(0, shutil.disk_usage(beside).free - _ROOM_LEFT)
        return self._folders[beside]


def _unpack(archive: Path, staging: _Staging) -> BackupManifest:
    found: dict[str, BackupFile] = {}
    with tarfile.open(archive, "r|gz", tarinfo=RegularFileMember) as members:
        for member in members:
            name = checked_name(member)
            staging.take(name, member.size)
            if len(found) > _MOST_FILES:
                raise invalid_backup("it holds more files than can be taken")
            if name in found or (name == MANIFEST and member.size > MAX_TEXT_BYTES):
                raise invalid_backup(f"{name} is in it twice or is too large")
            digest = _unpacked(members, member, staging.path(name))
            found[name] = BackupFile(name=name, size=member.size, sha256=digest)
    return _checked(staging.path(MANIFEST), found)


def _unpacked(members: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> str:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    source = members.extractfile(member)
    if source is None:
        raise invalid_backup("it holds something that is no plain file")
    with source, os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        digest = copy_with_digest(source, target, member.size)
        target.flush()
        os.fsync(target.fileno())
    return digest


def _checked(path: Path, found: dict[str, BackupFile]) -> BackupManifest:
    try:
        manifest = BackupManifest.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        raise invalid_backup("its manifest is missing or cannot be read") from None
    if manifest.format != FORMAT:
        raise invalid_backup(f"it is of format {manifest.format}, this program reads {FORMAT}")
    del found[MANIFEST]
    told = {part.name: part for part in manifest.parts}
    wrong = sorted(name for name in told.keys() | found.keys() if told.get(name) != found.get(name))
    if wrong or DATABASE not in found:
        raise invalid_backup(f"{(wrong or [DATABASE])[0]} is missing or not as it was written")
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


def _end_sign_ins(path: Path) -> None:
    """A refresh token that was used or revoked after the backup would be good again: none of them is."""
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")  # as SQLAlchemy writes it
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'refresh_tokens'").fetchone()
        if known is not None:
            connection.execute("UPDATE refresh_tokens SET revoked_at = ? WHERE revoked_at IS NULL", (moment,))


def _known_revisions() -> set[str]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}


def _belongings(place: InstallationPaths) -> tuple[Path, ...]:
    """Everything that a restored place would replace; SQLite's side files belong to the database."""
    database = place.database
    beside = (database.with_name(f"{database.name}-wal"), database.with_name(f"{database.name}-shm"))
    return (database, *beside, place.recordings)


def _exchange(staging: _Staging, place: InstallationPaths, moved: Callable[[Path], None]) -> tuple[Path, ...]:
    """Moves the old away and the new in, the database last."""
    parts = [(f"{KEYS}/{key.name}", key) for key in place.keys]
    parts += [(RECORDINGS, place.recordings), (DATABASE, place.database)]
    incoming = [(staging.path(name), target) for name, target in parts if staging.path(name).exists()]
    name = f"{ASIDE_PREFIX}{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    leaving = [*_belongings(place), *(target for _, target in incoming if target in place.keys)]
    outgoing = [(path, path.parent / name / path.name) for path in leaving if path.exists()]
    execute_moves([*outgoing, *incoming], journal_path(place.database), moved)
    return tuple(dict.fromkeys(target.parent for _, target in outgoing))


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, sqlite3.DatabaseError):
        raise invalid_backup("it is damaged or no backup at all") from None
    except OSError as error:
        raise Unavailable(f"the backup was not restored: {error.strerror or error}; nothing was changed") from error
