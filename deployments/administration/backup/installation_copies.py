"""Copies of the installation on its own disk: backups, and the data that a restore replaced."""

import asyncio
import logging
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from deployments.administration.backup.backups import BACKUP_FOLDER
from storage.restore_journal import ASIDE_PREFIX, DRAFT_PREFIX

log = logging.getLogger(__name__)


class InstallationCopies:
    """Deletes copies in ``<data>/backups``, in ``<data>``, in ``database``, the folder of the database file, and in
    ``models``, the folder of the models and voices. Files elsewhere belong to the user."""

    def __init__(self, data: Path, database: Path, models: Path) -> None:
        self._backups = data / BACKUP_FOLDER
        self._folders = {data.resolve(), database.resolve(), models.resolve()}

    async def remove_before(self, before: datetime) -> int:
        """Deletes copies older than ``before`` and returns their number. A copy that cannot be deleted stays."""
        return await asyncio.to_thread(self._remove_before, before)

    async def remove_unfinished(self, before: datetime) -> int:
        """Deletes unfinished restores; none can be running while the office owns the database. Deletes unfinished
        backups only if they were started earlier than ``before``, since the console may create one at any time."""
        return await asyncio.to_thread(self._remove_unfinished, before)

    def _remove_before(self, before: datetime) -> int:
        kept = [*self._backups.glob("secretary-*.tar.gz"), *self._find_in_folders(ASIDE_PREFIX)]
        return sum(_remove(copy) for copy in _without_links(kept) if _is_older(copy, before))

    def _remove_unfinished(self, before: datetime) -> int:
        unfinished = [copy for copy in _without_links(self._backups.glob(".backup-*")) if _is_older(copy, before)]
        return sum(_remove(copy) for copy in (*unfinished, *_without_links(self._find_in_folders(DRAFT_PREFIX))))

    def _find_in_folders(self, name: str) -> Iterator[Path]:
        return (found for folder in self._folders for found in folder.glob(f"{name}*"))


def _without_links(copies: Iterable[Path]) -> Iterator[Path]:
    return (copy for copy in copies if not copy.is_symlink())


def _is_older(copy: Path, before: datetime) -> bool:
    try:
        return datetime.fromtimestamp(copy.stat().st_mtime, UTC) < before
    except FileNotFoundError:  # an unfinished copy was completed
        return False


def _remove(copy: Path) -> bool:
    try:
        shutil.rmtree(copy) if copy.is_dir() else copy.unlink()
    except OSError as error:
        log.warning("cannot delete an old copy of the installation: %s", error)
        return False
    return True
