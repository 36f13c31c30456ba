"""Exclusive ownership of a database by one process."""

import asyncio
import fcntl
import os
import time
from pathlib import Path
from typing import Protocol

from deployments.contracts.errors import Conflict

_POLL_S = 0.1


class DatabaseOwnership(Protocol):
    """A lock that at most one process holds for a database."""

    async def acquire(self, timeout_s: float) -> None:
        """Takes the lock, waiting at most ``timeout_s`` for another owner. Raises Conflict."""

    async def confirm(self) -> None:
        """Checks the lock before a unit of work. Raises Conflict when another process holds it now."""

    async def release(self) -> None:
        """Releases the lock. Does nothing when it is not held."""


class FileOwnership:
    """An exclusive ``flock`` on ``path``. The file holds the owner's process id as text.

    The kernel releases the lock when the process ends.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    async def acquire(self, timeout_s: float) -> None:
        """Takes the lock, waiting at most ``timeout_s`` for another owner. Raises Conflict."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            await self._lock(handle, time.monotonic() + timeout_s)
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle

    async def confirm(self) -> None:
        """Does nothing: the lock lasts as long as this process."""

    async def release(self) -> None:
        """Releases the lock. Does nothing when it is not held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    async def _lock(self, handle: int, deadline: float) -> None:
        while True:
            try:
                return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    owner = os.pread(handle, 20, 0).decode() or "unknown"
                    raise Conflict(
                        f"{self._path.parent} is in use by process {owner}: stop that secretary first"
                    ) from None
            await asyncio.sleep(_POLL_S)
