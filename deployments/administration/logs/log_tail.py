"""A log file while it grows, across its rotation: new lines as they are written."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import BinaryIO

from deployments.administration.logs.log_files import MAX_LINE_BYTES, LogFiles, LogFilter, decode_line, parse_level
from deployments.contracts.errors import NotFound
from deployments.contracts.frozen_model import FrozenModel

_BLOCK = 256 << 10


class LogLine(FrozenModel):
    """``timestamp`` is when the line was seen."""

    line: str
    timestamp: datetime


class LogTail:
    """Begins at the end of the file. When the name comes to mean another file (rotation) or the file shrinks, the old
    one is read to its end first; while there is no such file, it waits for one."""

    def __init__(self, files: LogFiles, name: str, criteria: LogFilter, period_s: float = 0.5) -> None:
        self._files = files
        self._name = name
        self._wanted = criteria
        self._period_s = period_s
        self._stack = ExitStack()
        self._file: BinaryIO | None = None
        self._rest = b""
        self._level = ""

    def open(self) -> None:
        """Raises NotFound for a name that is no log file. Blocks; then iterate ``lines``, which closes the file."""
        self._file = self._stack.enter_context(self._files.open(self._name))
        self._file.seek(0, os.SEEK_END)

    async def lines(self) -> AsyncGenerator[LogLine]:
        try:
            while True:
                raw = await asyncio.to_thread(self._more)
                for line in raw:
                    text = decode_line(line)
                    self._level = parse_level(text) or self._level
                    if self._wanted.matches_level(self._level) and self._wanted.matches_text(text):
                        yield LogLine(line=text, timestamp=datetime.now(UTC))
                if not raw:
                    await asyncio.sleep(self._period_s)
        finally:
            self.close()

    def close(self) -> None:
        self._stack.close()
        self._file = None

    def _more(self) -> list[bytes]:
        """Lines that were completed since the last call, at most one block of them."""
        if self._file is None:
            self._reopen()
            return []
        block = self._file.read(_BLOCK)
        if not block:
            return self._at_end(self._file)
        *complete, rest = (self._rest + block).split(b"\n")
        self._rest = rest[: MAX_LINE_BYTES + 1]
        return complete

    def _at_end(self, file: BinaryIO) -> list[bytes]:
        named = self._files.inode(self._name)
        now = os.fstat(file.fileno())  # after the name: nobody writes to a file that was renamed
        if named != now.st_ino:
            if now.st_size > file.tell():
                return []
            unfinished, self._rest = self._rest, b""
            self.close()
            return [unfinished] if unfinished else []
        if now.st_size < file.tell():
            file.seek(0)
            self._rest = b""
        return []

    def _reopen(self) -> None:
        try:
            self._file = self._stack.enter_context(self._files.open(self._name))
        except NotFound:
            self._file = None
