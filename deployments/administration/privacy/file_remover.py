"""Files below the data folder: deleted after the rows that named them, and again until they are gone."""

import asyncio
import logging
from pathlib import Path

from storage.database import Database

log = logging.getLogger(__name__)

_AT_ONCE = 500


class FileRemover:
    """Deletes what is listed in the database. A crash in between leaves the file listed, so that it goes next time."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder.resolve()

    async def delete_listed_files(self) -> int:
        """Deletes every listed file; how many are gone. One that cannot be deleted stays listed and holds up no
        other. Each transaction is about at most 500 files."""
        total, last = 0, ""
        while True:
            async with self._database.unit_of_work() as work:
                paths = await work.recordings.files_to_delete(_AT_ONCE, after=last)
            if not paths:
                return total
            gone = await asyncio.to_thread(self._delete, paths)
            async with self._database.unit_of_work() as work:
                await work.recordings.remove_file_deletions(gone)
            total, last = total + len(gone), paths[-1]

    def _delete(self, paths: tuple[str, ...]) -> list[str]:
        return [path for path in paths if self._delete_one(path)]

    def _delete_one(self, path: str) -> bool:
        file = (self._folder / path).resolve()
        if not file.is_relative_to(self._folder):
            log.error("a recording lies outside of the data folder and is left alone: %s", path)
            return True
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("cannot delete the file of a recording yet: %s", error)
            return False
        return True
