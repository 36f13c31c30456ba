"""Where a process of the secretary writes what happened: a file of its own in the data folder, once a second.

Lines wait in memory for a second, because writing each by itself is what costs. An error is written at once with all
that came before it; a process that is killed takes its last second with it.
"""

import logging
import os
import threading
from pathlib import Path

_ROOTS = ("deployments", "bots", "ui", "storage", "proxies")
_FORMAT = "%(asctime)s %(levelname)s %(process)d %(name)s %(message)s"
_BYTES = 10 << 20
_MOST_WAITING = 1_000
_OLD_FILES = 6


class BufferedFileHandler(logging.Handler):
    """Appends to ``path``; above ``most_bytes`` that file becomes ``<path>.1`` and the one before it is gone.

    Lines that the disk refuses are dropped and counted; the count is written as soon as the disk takes it.
    """

    def __init__(self, path: Path, *, flush_interval_s: float = 1.0, max_bytes: int = _BYTES) -> None:
        super().__init__()
        self._path = path
        self._every_s = flush_interval_s
        self._most_bytes = max_bytes
        self._lines: list[str] = []
        self._lost = 0
        self._ended = threading.Event()
        self._writer = threading.Thread(target=self._write_regularly, name="log", daemon=True)
        self._writer.start()

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))
        if record.levelno >= logging.ERROR or len(self._lines) >= _MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        """Writes what waits."""
        with self._alone():
            lines, self._lines = self._lines, []
            if not lines:
                return
            try:
                self._write(lines)
            except OSError:
                self._lost += len(lines)
            else:
                self._lost = 0

    def close(self) -> None:
        """Writes what waits and ends the thread. Harmless when called again."""
        self._ended.set()
        self.flush()
        super().close()

    def _write(self, lines: list[str]) -> None:
        told = [f"{self._lost} lines before this one were lost"] if self._lost else []
        with self._path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write("\n".join([*told, *lines, ""]))
            size = file.tell()
        if size > self._most_bytes:
            os.replace(self._path, f"{self._path}.1")

    def _write_regularly(self) -> None:
        while not self._ended.wait(self._every_s):
            self.flush()

    def _alone(self) -> threading.RLock:
        assert self.lock is not None
        return self.lock


def open_log(directory: Path, name: str) -> None:
    """Sends this process's INFO lines to ``<directory>/<name>.<process>.log``. Harmless when called again.

    Of processes that have ended the newest few files stay.
    """
    if _open_logs():
        return
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    _forget_old(directory, name)
    handler = BufferedFileHandler(directory / f"{name}.{os.getpid()}.log")
    handler.setFormatter(logging.Formatter(_FORMAT))
    for root in _ROOTS:
        logging.getLogger(root).addHandler(handler)
        logging.getLogger(root).setLevel(logging.INFO)


def flush_log() -> None:
    """Writes what waits, because the process may end without a goodbye."""
    for handler in _open_logs():
        handler.flush()


def close_log() -> None:
    """Writes what waits and sends nothing there any more. Harmless when none is open."""
    for handler in _open_logs():
        for root in _ROOTS:
            logging.getLogger(root).removeHandler(handler)
        handler.close()


def _open_logs() -> set[BufferedFileHandler]:
    return {h for root in _ROOTS for h in logging.getLogger(root).handlers if isinstance(h, BufferedFileHandler)}


def _forget_old(directory: Path, name: str) -> None:
    dead = [file for file in directory.glob(f"{name}.*.log*") if not _alive(file)]
    dead.sort(key=_modified, reverse=True)
    for file in dead[_OLD_FILES:]:
        file.unlink(missing_ok=True)


def _alive(file: Path) -> bool:
    """Whether the process that wrote ``file`` still runs, as far as its number tells."""
    pid = file.name.split(".")[1]
    return not pid.isdigit() or Path(f"/proc/{pid}").exists()


def _modified(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # another process of this start was quicker
        return 0.0
