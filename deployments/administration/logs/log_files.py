"""The secretary's own log files, read in bounded blocks from their ends; nothing outside of their directory.

A record is a line that begins with time, level and process, and the lines after it that do not (a traceback).
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal, get_args

from pydantic import Field, computed_field

from deployments.contracts.errors import NotFound
from deployments.contracts.frozen_model import FrozenModel

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

MAX_LINE_BYTES = 8 << 10
_NAME = re.compile(r"[A-Za-z0-9][\w-]{0,80}(\.[0-9]{1,10})?\.log(\.[0-9]{1,3})?")
"""``deployments.process_log`` puts the number of the process before the ending."""
_RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ([A-Z]+) ")
_BLOCK = 64 << 10
_FURTHEST = 16 << 20
_LONGEST_RECORD = 500
_RANKS = {level: rank for rank, level in enumerate(get_args(LogLevel))}


class LogFile(FrozenModel):
    """``display_name`` is the process that wrote it."""

    name: str
    size_kb: float
    modified: datetime

    @computed_field  # type: ignore[prop-decorator]
    @property
    def file(self) -> str:
        return self.name

    @computed_field  # type: ignore[prop-decorator]
    @property
    def display_name(self) -> str:
        return self.name.partition(".")[0]


class LogPage(FrozenModel):
    """``lines`` in the order of the file. ``offset`` counts matching lines from the end of the file."""

    file: str
    lines: tuple[str, ...]
    offset: int
    size_bytes: int
    scanned_bytes: int
    more: bool = Field(description="There are older lines that were not looked at")


@dataclass(frozen=True, slots=True)
class LogFilter:
    """``level`` is the least that is shown; ``search`` a text that the line contains, in any case."""

    search: str = ""
    level: LogLevel | None = None

    def matches_level(self, level: str) -> bool:
        """Lines before the first record of a file have the level ""; they pass when no level is asked for."""
        return self.level is None or _RANKS.get(level, -1) >= _RANKS[self.level]

    def matches_text(self, line: str) -> bool:
        return self.search.casefold() in line.casefold()


class LogFiles:
    """One directory of logs. Every method blocks: call it in a thread."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def list(self) -> tuple[LogFile, ...]:
        """Every log file, the one changed last first; none when there is no directory."""
        try:
            names = [name for name in os.listdir(self._directory) if _NAME.fullmatch(name)]
        except FileNotFoundError:
            return ()
        found = (self._described(name) for name in names)
        return tuple(sorted((each for each in found if each), key=lambda each: each.modified, reverse=True))

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """A regular file directly in the directory, opened without following links. Raises NotFound for all else."""
        missing = NotFound(f"no log file {name[:100]!r}; see the list of log files", param="file")
        if not _NAME.fullmatch(name):
            raise missing
        try:
            descriptor = os.open(self._directory / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            raise missing from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise missing
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            yield file

    def read(self, name: str, lines: int = 100, offset: int = 0, criteria: LogFilter | None = None) -> LogPage:
        """The newest ``lines`` that pass ``wanted``, without the newest ``offset`` of them. Looks at 16 MiB at most."""
        with self.open(name) as file:
            backwards = _Backwards(file)
            found = _matching(backwards.lines(), criteria or LogFilter())
            taken = list(islice(found, offset, offset + lines))
        taken.reverse()
        return LogPage(
            file=name,
            lines=tuple(taken),
            offset=offset,
            size_bytes=backwards.size,
            scanned_bytes=backwards.scanned,
            more=not backwards.at_start,
        )

    def tail(self, process: str, lines: int) -> tuple[str, ...]:
        """The last ``lines`` of the processes called ``process``, from the newest file and those before it."""
        taken: list[str] = []
        for file in self.list():
            if len(taken) >= lines:
                break
            if file.name.startswith(f"{process}."):
                with suppress(NotFound):
                    taken[:0] = self.read(file.name, lines - len(taken)).lines
        return tuple(taken)

    def inode(self, name: str) -> int | None:
        """Inode of the file that has the name now, to notice rotation; None while there is none."""
        try:
            return os.stat(self._directory / name, follow_symlinks=False).st_ino
        except OSError:
            return None

    def _described(self, name: str) -> LogFile | None:
        try:
            found = os.stat(self._directory / name, follow_symlinks=False)
        except OSError:
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        modified = datetime.fromtimestamp(found.st_mtime, UTC)
        return LogFile(name=name, size_kb=round(found.st_size / 1024, 1), modified=modified)


def parse_level(line: str) -> str | None:
    """Level of a record's first line; None for a line that belongs to the record before."""
    found = _RECORD.match(line)
    return found[1] if found else None


def decode_line(raw: bytes) -> str:
    """One line for display: bytes that are no UTF-8 replaced, the rest of an endless line cut off."""
    text = raw[:MAX_LINE_BYTES].decode(errors="replace").rstrip("\r\n")
    return text + "…" if len(raw) > MAX_LINE_BYTES else text


class _Backwards:
    """Lines of a file from its last to its first, read in blocks."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size
        self.scanned = 0
        self.at_start = self.size == 0

    def lines(self) -> Iterator[str]:
        rest, position = b"", self.size
        while position > 0:
            if self.scanned >= _FURTHEST:
                return
            length = min(_BLOCK, position)
            position -= length
            block = os.pread(self._file.fileno(), length, position)
            self.scanned += length
            head, *complete = (block + rest).split(b"\n")
            if position + length == self.size and complete and not complete[-1]:
                complete.pop()
            yield from (decode_line(line) for line in reversed(complete))
            rest = head[: MAX_LINE_BYTES + 1]
        if self.size:
            self.at_start = True
            yield decode_line(rest)


def _matching(lines: Iterator[str], wanted: LogFilter) -> Iterator[str]:
    """Lines, newest first, whose record has the wanted level and that contain the wanted text."""
    held: list[str] = []
    for line in lines:
        level = parse_level(line)
        held.append(line)
        if level is not None or len(held) >= _LONGEST_RECORD:
            yield from _passing(held, wanted, level or "")
            held = []
    yield from _passing(held, wanted, "")


def _passing(record: list[str], wanted: LogFilter, level: str) -> Iterator[str]:
    if wanted.matches_level(level):
        yield from (line for line in record if wanted.matches_text(line))
