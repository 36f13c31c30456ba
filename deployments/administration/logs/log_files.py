"""Reads the secretary's log files backwards, in blocks and up to a limit, and only inside their directory.

A record is a line that starts with time, level and process, and the following lines that do not (a traceback).
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
from typing import BinaryIO, Literal, cast, get_args

from pydantic import Field, computed_field

from deployments.administration.logs.redaction import hide_secrets
from deployments.contracts.errors import NotFound
from deployments.contracts.frozen_model import FrozenModel

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

MAX_LINE_BYTES = 8 << 10
_FILE_NAME = re.compile(r"[A-Za-z0-9][\w-]{0,80}(\.[0-9]{1,10})?\.log(\.[0-9]{1,3})?")
"""``deployments.process_log`` inserts the process id before the extension."""
_RECORD_START = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ([A-Z]+) ")
_TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
_TIME_LENGTH = len("2026-11-23 04:00:00")
_BLOCK_BYTES = 64 << 10
_MAX_SCANNED_BYTES = 16 << 20
_MAX_RECORD_LINES = 500
_LEVEL_RANKS = {level: rank for rank, level in enumerate(get_args(LogLevel))}


class LogFile(FrozenModel):
    """A log file. ``display_name`` is the process that wrote it."""

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


class LevelCount(FrozenModel):
    """How many records of one level a process wrote. ``last`` is the time of the newest."""

    process: str
    level: LogLevel
    count: int
    last: datetime


class LogPage(FrozenModel):
    """Lines in file order. ``offset`` counts matching lines from the end of the file."""

    file: str
    lines: tuple[str, ...]
    offset: int
    size_bytes: int
    scanned_bytes: int
    more: bool = Field(description="There are older lines that were not looked at")


@dataclass(frozen=True, slots=True)
class LogFilter:
    """``level`` is the lowest level shown; ``search`` is a text that the line contains, case-insensitively."""

    search: str = ""
    level: LogLevel | None = None

    def matches_level(self, level: str) -> bool:
        """Returns whether ``level`` is high enough. Lines before the first record have the level "" and match only if
        no level is set."""
        return self.level is None or _LEVEL_RANKS.get(level, -1) >= _LEVEL_RANKS[self.level]

    def matches_text(self, line: str) -> bool:
        return self.search.casefold() in line.casefold()


class LogFiles:
    """A directory of log files. Every method blocks: call it in a thread."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def list(self) -> tuple[LogFile, ...]:
        """Returns all log files, the last changed first. Returns nothing if the directory does not exist."""
        try:
            names = [name for name in os.listdir(self._directory) if _FILE_NAME.fullmatch(name)]
        except FileNotFoundError:
            return ()
        found = (self._stat_file(name) for name in names)
        return tuple(sorted((each for each in found if each), key=lambda each: each.modified, reverse=True))

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Opens a regular file of the directory without following links. Raises NotFound for anything else."""
        missing = NotFound(f"no log file {name[:100]!r}; see the list of log files", param="file")
        if not _FILE_NAME.fullmatch(name):
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
        """Returns the newest ``lines`` that match ``criteria``, skipping ``offset`` of them. Reads at most 16 MiB."""
        with self.open(name) as file:
            reader = _BackwardReader(file)
            found = _matching(reader.lines(), criteria or LogFilter())
            collected = list(islice(found, offset, offset + lines))
        collected.reverse()
        return LogPage(
            file=name,
            lines=tuple(collected),
            offset=offset,
            size_bytes=reader.size,
            scanned_bytes=reader.scanned,
            more=not reader.at_start,
        )

    def count_levels(self, since: datetime, least: LogLevel = "WARNING") -> tuple[LevelCount, ...]:
        """Counts the records since ``since`` by process and level, the worst first. Reads at most 16 MiB of a file."""
        earliest = since.astimezone().strftime(_TIME_FORMAT)  # logs have local times
        counts: dict[tuple[str, str], LevelCount] = {}
        for file in self.list():
            if file.modified < since:
                break
            with suppress(NotFound), self.open(file.name) as opened:
                for line in _BackwardReader(opened).lines():
                    level, time = parse_level(line), line[:_TIME_LENGTH]
                    if level is None:
                        continue
                    if time < earliest:
                        break
                    if _LEVEL_RANKS.get(level, -1) >= _LEVEL_RANKS[least]:
                        _add(counts, file.display_name, level, time)
        return tuple(sorted(counts.values(), key=lambda each: (-_LEVEL_RANKS[each.level], -each.count)))

    def tail(self, process: str, lines: int) -> tuple[str, ...]:
        """Returns the last ``lines`` of the processes named ``process``, across their files."""
        collected: list[str] = []
        for file in self.list():
            if len(collected) >= lines:
                break
            if file.name.startswith(f"{process}."):
                with suppress(NotFound):
                    collected[:0] = self.read(file.name, lines - len(collected)).lines
        return tuple(collected)

    def inode(self, name: str) -> int | None:
        """Returns the inode of the file with this name, to detect rotation, or None."""
        try:
            return os.stat(self._directory / name, follow_symlinks=False).st_ino
        except OSError:
            return None

    def _stat_file(self, name: str) -> LogFile | None:
        try:
            found = os.stat(self._directory / name, follow_symlinks=False)
        except OSError:
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        modified = datetime.fromtimestamp(found.st_mtime, UTC)
        return LogFile(name=name, size_kb=round(found.st_size / 1024, 1), modified=modified)


def parse_level(line: str) -> str | None:
    """Returns the level of the first line of a record, and None for a continuation line."""
    found = _RECORD_START.match(line)
    return found[1] if found else None


def decode_line(raw: bytes) -> str:
    """Decodes one line for display. Replaces invalid UTF-8, hides secrets and truncates long lines."""
    text = hide_secrets(raw[:MAX_LINE_BYTES].decode(errors="replace").rstrip("\r\n"))
    return text + "…" if len(raw) > MAX_LINE_BYTES else text


class _BackwardReader:
    """Yields the lines of a file from last to first, reading blocks."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size
        self.scanned = 0
        self.at_start = self.size == 0

    def lines(self) -> Iterator[str]:
        rest, position = b"", self.size
        while position > 0:
            if self.scanned >= _MAX_SCANNED_BYTES:
                return
            length = min(_BLOCK_BYTES, position)
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


def _add(counts: dict[tuple[str, str], LevelCount], process: str, level: str, time: str) -> None:
    at = datetime.strptime(time, _TIME_FORMAT).astimezone()
    known = counts.get((process, level))
    count, last = (known.count, max(known.last, at)) if known else (0, at)
    counts[process, level] = LevelCount(process=process, level=cast(LogLevel, level), count=count + 1, last=last)


def _matching(lines: Iterator[str], criteria: LogFilter) -> Iterator[str]:
    """Yields lines, newest first, that match the text and whose record matches the level."""
    record: list[str] = []
    for line in lines:
        level = parse_level(line)
        record.append(line)
        if level is not None or len(record) >= _MAX_RECORD_LINES:
            yield from _matching_lines(record, criteria, level or "")
            record = []
    yield from _matching_lines(record, criteria, "")


def _matching_lines(record: list[str], criteria: LogFilter, level: str) -> Iterator[str]:
    if criteria.matches_level(level):
        yield from (line for line in record if criteria.matches_text(line))
