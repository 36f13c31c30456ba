"""The log of one process: a file in the data folder that is written once a second.

Lines are buffered because writing each line by itself is expensive. An error flushes the buffer at once. A process that
is killed loses at most the last second.
"""

import logging
import os
import threading
from pathlib import Path

_LOGGER_NAMES = ("deployments", "bots", "ui", "storage", "proxies")
_FORMAT = "%(asctime)s %(levelname)s %(process)d %(name)s %(message)s"
_MAX_BYTES = 10 << 20
_MAX_BUFFERED_LINES = 1_000
_MAX_OLD_FILES = 6


class BufferedFileHandler(logging.Handler):
    """Appends to ``path``. Above ``max_bytes`` the file is renamed to ``<path>.1``, which replaces the former one.

    Lines that cannot be written are dropped and counted. The count is logged when writing works again.
    """

    def __init__(self, path: Path, *, flush_interval_s: float = 1.0, max_bytes: int = _MAX_BYTES) -> None:
        super().__init__()
        self._path = path
        self._flush_interval_s = flush_interval_s
        self._max_bytes = max_bytes
        self._lines: list[str] = []
        self._lost = 0
        self._ended = threading.Event()
        self._writer = threading.Thread(target=self._write_regularly, name="log", daemon=True)
        self._writer.start()

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))
        if record.levelno >= logging.ERROR or len(self._lines) >= _MAX_BUFFERED_LINES:
            self.flush()

    def flush(self) -> None:
        """Writes the buffered lines."""
        with self._locked():
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
        """Writes the buffered lines and ends the thread. Idempotent."""
        self._ended.set()
        self.flush()
        super().close()

    def _write(self, lines: list[str]) -> None:
        notice = [f"{self._lost} lines before this one were lost"] if self._lost else []
        with self._path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write("\n".join([*notice, *lines, ""]))
            size = file.tell()
        if size > self._max_bytes:
            os.replace(self._path, f"{self._path}.1")

    def _write_regularly(self) -> None:
        while not self._ended.wait(self._flush_interval_s):
            self.flush()

    def _locked(self) -> threading.RLock:
        assert self.lock is not None
        return self.lock


def open_log(directory: Path, name: str) -> None:
    """Logs this process at level INFO to ``<directory>/<name>.<pid>.log``. Idempotent.

    Deletes the files of ended processes except the newest few.
    """
    if _open_logs():
        return
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    _delete_old(directory, name)
    handler = BufferedFileHandler(directory / f"{name}.{os.getpid()}.log")
    handler.setFormatter(logging.Formatter(_FORMAT))
    for root in _LOGGER_NAMES:
        logging.getLogger(root).addHandler(handler)
        logging.getLogger(root).setLevel(logging.INFO)


def redirect_to_log(*loggers: str) -> None:
    """Writes warnings of other libraries' loggers to the log of this process only. Does nothing without a log."""
    if not (handlers := _open_logs()):
        return
    for name in loggers:
        logger = logging.getLogger(name)
        logger.handlers[:] = handlers
        logger.propagate = False
        logger.setLevel(logging.WARNING)


def flush_log() -> None:
    """Writes the buffered lines. Call it when the process may be killed."""
    for handler in _open_logs():
        handler.flush()


def close_log() -> None:
    """Writes the buffered lines and detaches the handler. Idempotent."""
    for handler in _open_logs():
        for root in _LOGGER_NAMES:
            logging.getLogger(root).removeHandler(handler)
        handler.close()


def _open_logs() -> set[BufferedFileHandler]:
    return {h for root in _LOGGER_NAMES for h in logging.getLogger(root).handlers if isinstance(h, BufferedFileHandler)}


def _delete_old(directory: Path, name: str) -> None:
    dead = [file for file in directory.glob(f"{name}.*.log*") if not _is_running(file)]
    dead.sort(key=_modified, reverse=True)
    for file in dead[_MAX_OLD_FILES:]:
        file.unlink(missing_ok=True)


def _is_running(file: Path) -> bool:
    """Whether a process with the pid in the name of ``file`` is running."""
    pid = file.name.split(".")[1]
    return not pid.isdigit() or Path(f"/proc/{pid}").exists()


def _modified(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # another process deleted it
        return 0.0
