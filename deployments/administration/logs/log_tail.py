"""Follows a log file across rotation and yields new lines as they are written."""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import BinaryIO

from deployments.administration.logs.log_files import MAX_LINE_BYTES, LogFiles, LogFilter, decode_line, parse_level
from deployments.contracts.errors import NotFound
from deployments.contracts.frozen_model import FrozenModel

_BLOCK_BYTES = 256 << 10


class LogLine(FrozenModel):
    """A new line. ``timestamp`` is when it was read."""

    line: str
    timestamp: datetime


class LogTail:
    """Starts at the end of the file, or where ``open`` says. After rotation it reads the old file to its end, then the
    new one. A truncated file is read from its start. It waits while no file has the name."""

    def __init__(self, files: LogFiles, name: str, criteria: LogFilter, period_s: float = 0.5) -> None:
        self._files = files
        self._name = name
        self._criteria = criteria
        self._period_s = period_s
        self._stack = ExitStack()
        self._file: BinaryIO | None = None
        self._rest = b""
        self._level = ""

    def open(self, at: int | None = None) -> None:
        """Opens the file at the byte ``at``, by default at its end; iterating ``lines`` closes it. Blocks. Raises
        NotFound if there is no such log file."""
        self._file = self._stack.enter_context(self._files.open(self._name))
        if at is None:
            self._file.seek(0, os.SEEK_END)
        else:
            self._file.seek(at)

    async def lines(self) -> AsyncGenerator[LogLine]:
        try:
            while True:
                found = await asyncio.to_thread(self.read)
                for line in found or ():
                    yield line
                if found is None:
                    await asyncio.sleep(self._period_s)
        finally:
            self.close()

    def read(self) -> tuple[LogLine, ...] | None:
        """The matching lines of the next block; None when nothing was written since. Blocks."""
        raw = self._read_lines()
        return tuple(self._matching(raw)) if raw else None

    def _matching(self, raw: list[bytes]) -> Iterator[LogLine]:
        for line in raw:
            text = decode_line(line)
            self._level = parse_level(text) or self._level
            if self._criteria.matches_level(self._level) and self._criteria.matches_text(text):
                yield LogLine(line=text, timestamp=datetime.now(UTC))

    def close(self) -> None:
        self._stack.close()
        self._file = None

    def _read_lines(self) -> list[bytes]:
        """Returns the lines completed since the last call, at most one block."""
        if self._file is None:
            self._reopen()
            return []
        block = self._file.read(_BLOCK_BYTES)
        if not block:
            return self._check_rotation(self._file)
        *complete, rest = (self._rest + block).split(b"\n")
        self._rest = rest[: MAX_LINE_BYTES + 1]
        return complete

    def _check_rotation(self, file: BinaryIO) -> list[bytes]:
        named_inode = self._files.inode(self._name)
        now = os.fstat(file.fileno())  # after the inode of the name: nobody writes to a renamed file
        if named_inode != now.st_ino:
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
