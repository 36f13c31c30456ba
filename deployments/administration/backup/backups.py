"""Backups of a running installation in the data folder. ``secretary restore`` restores one while nothing runs."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deployments.administration.audit.audit_recorder import AuditRecorder
from deployments.contracts.commands import secretary_command
from deployments.contracts.errors import Conflict, NotFound
from deployments.contracts.frozen_model import FrozenModel
from storage.backup import ModelInventory, backup_size, create_backup
from storage.backup_archive import DATABASE, RECORDINGS, VOICES, BackupManifest, InstallationPaths
from storage.backup_reader import read_manifest
from storage.database import Database

BACKUP_FOLDER = "backups"
_FILE_NAME = re.compile(r"secretary-\d{8}-\d{6}\.tar\.gz", re.ASCII)
_MAX_BACKUPS = 20


@dataclass(frozen=True, slots=True)
class StoredBackup:
    """A backup archive. It contains no secret keys."""

    name: str
    size_bytes: int
    created_at: datetime


class BackupContents(FrozenModel):
    """What a backup holds. ``version`` is that of the program, ``unpacked_bytes`` the size of all files."""

    version: str
    database_bytes: int
    recordings: int
    recordings_bytes: int
    voice_files: int
    unpacked_bytes: int
    with_keys: bool


@dataclass(slots=True)
class BackupProgress:
    """A backup that is being created. ``total_bytes`` is an estimate."""

    name: str
    total_bytes: int
    copied_bytes: int = 0

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, self.copied_bytes / self.total_bytes) if self.total_bytes else 0.0

    def advance(self, copied: int) -> None:
        self.copied_bytes += copied


class Backups:
    """Manages at most twenty archives in ``<data>/backups``. ``voices`` is the folder of cloned voices. ``list_models``
    returns the installed models; it is called in a thread."""

    def __init__(
        self,
        database: Database,
        data: Path,
        voices: Path,
        list_models: Callable[[], ModelInventory],
        audit_recorder: AuditRecorder,
    ) -> None:
        self._database = database
        self._data = data
        self._voices = voices
        self._list_models = list_models
        self._audit_recorder = audit_recorder
        self._lock = asyncio.Lock()
        self.failed_at: datetime | None = None
        """When the last backup failed; None after one that succeeded, and after a start of the office."""
        self._progress: BackupProgress | None = None
        self._contents: dict[tuple[str, float], BackupContents] = {}

    @property
    def progress(self) -> BackupProgress | None:
        """The backup that is being created, if any."""
        return self._progress

    @property
    def on_server(self) -> bool:
        """Whether the database is on a server, whose own tools back it up."""
        return self._database.path is None

    async def list(self) -> tuple[StoredBackup, ...]:
        """Returns all backups, newest first."""
        return await asyncio.to_thread(self._list)

    async def create(self, by: str) -> StoredBackup:
        """Creates a backup. Raises Conflict while another one is being created, if there are twenty already, or if the
        database is on a server."""
        return await self._audit_recorder.run_shielded(lambda: self._create(by))

    async def _create(self, by: str) -> StoredBackup:
        if self._lock.locked():
            raise Conflict("a backup is being created; wait for it")
        async with self._lock:
            if len(await self.list()) >= _MAX_BACKUPS:
                raise Conflict(f"there are {_MAX_BACKUPS} backups already; download and delete some first")
            target = self._folder() / f"secretary-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar.gz"
            paths = InstallationPaths(self._database_file(), self._data / RECORDINGS, self._voices)
            await self._audit_recorder.record(by, "create", "backup", target.name)
            self._progress = progress = BackupProgress(target.name, await asyncio.to_thread(backup_size, paths))
            try:
                await asyncio.to_thread(
                    lambda: create_backup(paths, target, self._list_models(), on_copied=progress.advance)
                )
            except Exception:
                self.failed_at = datetime.now(UTC)
                raise
            finally:
                self._progress = None
            self.failed_at = None
            return _stored_backup(target)

    async def contents(self, name: str) -> BackupContents:
        """What an archive holds. It is read once, in a thread. Raises NotFound, InvalidRequest for a damaged one."""
        path = self.path(name)
        key = (name, path.stat().st_mtime)
        if key not in self._contents:
            self._contents[key] = _describe(await asyncio.to_thread(read_manifest, path))
        return self._contents[key]

    def path(self, name: str) -> Path:
        """Returns the path of an archive. Raises NotFound for anything but a regular file with a name of ours."""
        path = self._data / BACKUP_FOLDER / name
        if not _FILE_NAME.fullmatch(name) or path.is_symlink() or not path.is_file():
            raise NotFound(f"there is no backup {name[:100]!r}")
        return path

    async def fetch(self, name: str, by: str) -> Path:
        """Returns the path of an archive for a download and adds an audit event. Raises NotFound."""
        path = self.path(name)
        await self._audit_recorder.record(by, "download", "backup", name)
        return path

    async def delete(self, name: str, by: str) -> None:
        """Deletes an archive. Raises NotFound."""
        path = self.path(name)

        async def delete() -> None:
            await self._audit_recorder.record(by, "delete", "backup", name)
            await asyncio.to_thread(path.unlink, missing_ok=True)

        await self._audit_recorder.run_shielded(delete)

    def _database_file(self) -> Path:
        if self._database.path is None:
            raise Conflict(
                f"the database is on a server; back it up with pg_dump, as {secretary_command('backup')} explains"
            )
        return self._database.path

    def _folder(self) -> Path:
        folder = self._data / BACKUP_FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def _list(self) -> tuple[StoredBackup, ...]:
        folder = self._data / BACKUP_FOLDER
        files = folder.iterdir() if folder.is_dir() else ()
        found = [_stored_backup(file) for file in files if _FILE_NAME.fullmatch(file.name) and file.is_file()]
        return tuple(sorted(found, key=lambda each: each.name, reverse=True))


def _describe(manifest: BackupManifest) -> BackupContents:
    sizes = {part.name: part.size for part in manifest.parts}
    recordings = [size for name, size in sizes.items() if name.startswith(f"{RECORDINGS}/")]
    return BackupContents(
        version=manifest.version,
        database_bytes=sizes.get(DATABASE, 0),
        recordings=len(recordings),
        recordings_bytes=sum(recordings),
        voice_files=sum(name.startswith(f"{VOICES}/") for name in sizes),
        unpacked_bytes=sum(sizes.values()),
        with_keys=manifest.with_keys,
    )


def _stored_backup(file: Path) -> StoredBackup:
    status = file.stat()
    return StoredBackup(file.name, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))
