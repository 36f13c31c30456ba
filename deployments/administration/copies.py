"""Copies of the installation on its own disk: the office's backups, and what a restore has put aside."""

import asyncio
import logging
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from deployments.administration.backups import FOLDER
from storage.restore import ASIDE, DRAFT

log = logging.getLogger(__name__)


class Copies:
    """In ``<data>/backups`` and beside the database, ``database`` being the folder it lies in. Files that people put
    elsewhere are theirs."""

    def __init__(self, data: Path, database: Path) -> None:
        self._backups = data / FOLDER
        self._database = database

    async def remove_before(self, moment: datetime) -> int:
        """Deletes what was written before ``moment``; how many copies. One that cannot be deleted stays."""
        return await asyncio.to_thread(self._remove_before, moment)

    def _remove_before(self, moment: datetime) -> int:
        return sum(_removed(copy) for copy in self._all() if _written(copy) < moment)

    def _all(self) -> Iterator[Path]:
        """Links are left alone."""
        found = [*self._backups.glob("secretary-*.tar.gz"), *self._backups.glob(".backup-*")]
        found += [*self._database.glob(f"{ASIDE}*"), *self._database.glob(f"{DRAFT}*")]
        return (copy for copy in found if not copy.is_symlink())


def _written(copy: Path) -> datetime:
    return datetime.fromtimestamp(copy.stat().st_mtime, UTC)


def _removed(copy: Path) -> bool:
    try:
        shutil.rmtree(copy) if copy.is_dir() else copy.unlink()
    except OSError as error:
        log.warning("cannot delete an old copy of the installation yet: %s", error)
        return False
    return True
