"""Backups of a running installation, kept below the data folder. Putting one back is the console's: nothing may run."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deployments.administration.audit.audit_recorder import AuditRecorder
from deployments.contracts.errors import Conflict, NotFound
from storage.backup import ModelInventory, create_backup
from storage.backup_archive import RECORDINGS, InstallationPaths
from storage.database import Database

BACKUP_FOLDER = "backups"
_NAME = re.compile(r"secretary-\d{8}-\d{6}\.tar\.gz", re.ASCII)
_MOST = 20


@dataclass(frozen=True, slots=True)
class StoredBackup:
    """``size_bytes`` of the archive; it holds no secret keys."""

    name: str
    size_bytes: int
    created_at: datetime


class Backups:
    """Archives in ``<data>/backups``, twenty at most. ``models`` lists what is installed; it is read in a thread."""

    def __init__(
        self, database: Database, data: Path, list_models: Callable[[], ModelInventory], audit_recorder: AuditRecorder
    ) -> None:
        self._database = database
        self._data = data
        self._models = list_models
        self._notes = audit_recorder
        self._one_at_a_time = asyncio.Lock()

    async def list(self) -> tuple[StoredBackup, ...]:
        """The newest first."""
        return await asyncio.to_thread(self._list)

    async def create(self, by: str) -> StoredBackup:
        """Raises Conflict while another one is made, when there are twenty already, or when the database is on a server
        of its own."""
        return await self._notes.run_shielded(lambda: self._create(by))

    async def _create(self, by: str) -> StoredBackup:
        if self._one_at_a_time.locked():
            raise Conflict("a backup is being made; wait for it")
        async with self._one_at_a_time:
            if len(await self.list()) >= _MOST:
                raise Conflict(f"there are {_MOST} backups already: take some away and delete them first")
            target = self._folder() / f"secretary-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar.gz"
            place = InstallationPaths(self._file(), self._data / RECORDINGS)
            await self._notes.record(by, "create", "backup", target.name)
            await asyncio.to_thread(lambda: create_backup(place, target, self._models()))
            return _described(target)

    def path(self, name: str) -> Path:
        """Where the archive is. Raises NotFound for anything but a plain file of ours."""
        path = self._data / BACKUP_FOLDER / name
        if not _NAME.fullmatch(name) or path.is_symlink() or not path.is_file():
            raise NotFound(f"there is no backup {name[:100]!r}")
        return path

    async def fetch(self, name: str, by: str) -> Path:
        """The archive for somebody who takes it away, which is noted. Raises NotFound."""
        path = self.path(name)
        await self._notes.record(by, "download", "backup", name)
        return path

    async def delete(self, name: str, by: str) -> None:
        """Raises NotFound."""
        path = self.path(name)

        async def delete() -> None:
            await self._notes.record(by, "delete", "backup", name)
            await asyncio.to_thread(path.unlink, missing_ok=True)

        await self._notes.run_shielded(delete)

    def _file(self) -> Path:
        if self._database.path is None:
            raise Conflict(
                "the database is on a server, which has its own means: pg_dump, or secretary backup says how"
            )
        return self._database.path

    def _folder(self) -> Path:
        folder = self._data / BACKUP_FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def _list(self) -> tuple[StoredBackup, ...]:
        folder = self._data / BACKUP_FOLDER
        files = folder.iterdir() if folder.is_dir() else ()
        found = [_described(file) for file in files if _NAME.fullmatch(file.name) and file.is_file()]
        return tuple(sorted(found, key=lambda each: each.name, reverse=True))


def _described(file: Path) -> StoredBackup:
    facts = file.stat()
    return StoredBackup(file.name, facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC))
