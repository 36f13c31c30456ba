"""Deletes files of the data folder whose database rows are deleted, and retries until they are deleted."""

import asyncio
import logging
from pathlib import Path

from storage.database import Database

log = logging.getLogger(__name__)


class FileRemover:
    """Deletes the files listed in the database. After a crash a file stays listed and is deleted next time."""

    def __init__(self, database: Database, folder: Path, batch_size: int = 500) -> None:
        self._database = database
        self._folder = folder.resolve()
        self._batch_size = batch_size

    async def delete_listed_files(self) -> int:
        """Deletes every listed file and returns the number of deleted files. A file that cannot be deleted stays listed
        and does not block others. Each transaction covers at most ``batch_size`` files."""
        total, last = 0, ""
        while True:
            async with self._database.unit_of_work() as work:
                paths = await work.recordings.files_to_delete(self._batch_size, after=last)
            if not paths:
                return total
            deleted = await asyncio.to_thread(self._delete, paths)
            async with self._database.unit_of_work() as work:
                await work.recordings.remove_file_deletions(deleted)
            total, last = total + len(deleted), paths[-1]

    def _delete(self, paths: tuple[str, ...]) -> list[str]:
        return [path for path in paths if self._delete_one(path)]

    def _delete_one(self, path: str) -> bool:
        file = (self._folder / path).resolve()
        if not file.is_relative_to(self._folder):
            log.error("a recording outside the data folder is not deleted: %s", path)
            return True
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("cannot delete the file of a recording: %s", error)
            return False
        return True
