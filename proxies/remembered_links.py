"""Remembers over restarts which link of a pool worked last, so that a first request does not try a dead one.

A file per pool holds the fingerprint of a link, which tells nothing about it. ``write`` gets one line of ASCII.
"""

import hashlib
import logging
import os
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

_MAX_BYTES = 200


class RememberedLinks:
    """``folder`` is created when something is remembered. None: nothing is remembered."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def read(self, pool: str) -> str:
        """What was remembered for ``pool``; "" without anything."""
        if self._folder is None:
            return ""
        with suppress(OSError, ValueError), self._path(self._folder, pool).open(encoding="ascii") as file:
            return file.read(_MAX_BYTES).strip()
        return ""

    def write(self, pool: str, memory: str) -> None:
        """A file that cannot be written is not missed."""
        if self._folder is None:
            return
        path = self._path(self._folder, pool)
        temporary = path.with_suffix(f".{os.getpid()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary.write_text(memory, encoding="ascii")
            temporary.replace(path)
        except OSError as error:
            log.warning("the link that works is not remembered: %s", error.strerror)

    @staticmethod
    def _path(folder: Path, pool: str) -> Path:
        return folder / hashlib.sha256(pool.encode()).hexdigest()[:24]
