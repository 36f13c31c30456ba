"""Copies of the installation on its own disk: the office's backups, and what a restore has put aside."""

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
    """In ``<data>/backups``, in ``<data>`` and beside the database, ``database`` being the folder it lies in. Files
    that people put elsewhere are theirs."""

    def __init__(self, data: Path, database: Path) -> None:
        self._backups = data / BACKUP_FOLDER
        self._folders = {data.resolve(), database.resolve()}

    async def remove_before(self, moment: datetime) -> int:
        """Deletes what was written before ``moment``; how many copies. One that cannot be deleted stays."""
        return await asyncio.to_thread(self._remove_before, moment)

    async def remove_unfinished(self, moment: datetime) -> int:
        """Deletes what a restore that was killed left half done: while the database is owned, none is under way. What a
        backup left so only when it was begun before ``moment``: the console asks nobody before it makes one."""
        return await asyncio.to_thread(self._remove_drafts, moment)

    def _remove_before(self, moment: datetime) -> int:
        kept = [*self._backups.glob("secretary-*.tar.gz"), *self._beside(ASIDE_PREFIX)]
        return sum(_removed(copy) for copy in _no_links(kept) if _is_older(copy, moment))

    def _remove_drafts(self, moment: datetime) -> int:
        left = [copy for copy in _no_links(self._backups.glob(".backup-*")) if _is_older(copy, moment)]
        return sum(_removed(copy) for copy in (*left, *_no_links(self._beside(DRAFT_PREFIX))))

    def _beside(self, name: str) -> Iterator[Path]:
        return (found for folder in self._folders for found in folder.glob(f"{name}*"))


def _no_links(copies: Iterable[Path]) -> Iterator[Path]:
    return (copy for copy in copies if not copy.is_symlink())


def _is_older(copy: Path, moment: datetime) -> bool:
    try:
        return datetime.fromtimestamp(copy.stat().st_mtime, UTC) < moment
    except FileNotFoundError:  # it was a draft, and is done
        return False


def _removed(copy: Path) -> bool:
    try:
        shutil.rmtree(copy) if copy.is_dir() else copy.unlink()
    except OSError as error:
        log.warning("cannot delete an old copy of the installation yet: %s", error)
        return False
    return True
