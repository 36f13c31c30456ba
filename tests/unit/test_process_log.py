"""The log of a process: buffering, rotation and files of ended processes."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.process_log import BufferedFileHandler, flush_log, open_log
from tests.architecture.source_files import ROOT

WRITER = """
import logging, sys
from pathlib import Path
from deployments.process_log import open_log
open_log(Path(sys.argv[1]), "gateway")
for n in range(3000):
    logging.getLogger("deployments.gateway").info("line %d", n)
"""


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    made = logging.Logger("of this test", logging.INFO)
    yield made
    for handler in made.handlers:
        handler.close()


def attached(
    logger: logging.Logger, path: Path, every_s: float = 60.0, most_bytes: int = 1 << 20
) -> BufferedFileHandler:
    log = BufferedFileHandler(path, flush_interval_s=every_s, max_bytes=most_bytes)
    logger.addHandler(log)
    return log


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def test_log_writes_buffered_lines_periodically(logger: logging.Logger, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    attached(logger, path, every_s=0.2)
    logger.info("one")
    logger.info("two")
    assert lines(path) == []
    deadline = time.monotonic() + 5
    while not lines(path) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert lines(path) == ["one", "two"]


def test_log_error_flushes_buffer(logger: logging.Logger, tmp_path: Path) -> None:
    attached(logger, tmp_path / "a.log")
    logger.info("before")
    logger.error("it broke")
    assert lines(tmp_path / "a.log") == ["before", "it broke"]


def test_log_close_flushes_buffer(logger: logging.Logger, tmp_path: Path) -> None:
    log = attached(logger, tmp_path / "a.log")
    logger.info("last words")
    log.close()
    log.close()
    assert lines(tmp_path / "a.log") == ["last words"]
    log._writer.join(2)
    assert not log._writer.is_alive()


def test_log_buffer_is_bounded(logger: logging.Logger, tmp_path: Path) -> None:
    log = attached(logger, tmp_path / "a.log")
    for number in range(2_500):
        logger.info("%d", number)
    assert len(lines(tmp_path / "a.log")) == 2_000
    assert len(log._lines) == 500


def test_log_file_rotates_at_max_bytes(logger: logging.Logger, tmp_path: Path) -> None:
    log = attached(logger, tmp_path / "a.log", most_bytes=1_000)
    for number in range(50):
        logger.info("line %03d of fifty bytes or so ..................", number)
        log.flush()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.log", "a.log.1"]
    kept = [*lines(tmp_path / "a.log.1"), *lines(tmp_path / "a.log")]
    assert "line 049" in kept[-1]
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 2_200


def test_log_reports_lines_lost_on_full_disk(logger: logging.Logger, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.symlink_to("/dev/full")
    log = attached(logger, path)
    logger.error("lost")
    logger.error("lost too")
    path.unlink()
    logger.info("kept")
    log.flush()
    assert lines(path) == ["2 lines before this one were lost", "kept"]
    logger.error("and on")
    assert lines(path)[-1] == "and on"
    assert len(lines(path)) == 3


def test_processes_log_to_own_files(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], cwd=ROOT) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    files = [tmp_path / f"gateway.{writer.pid}.log" for writer in writers]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    for file in files:
        assert [line.rpartition("line ")[2] for line in lines(file)] == [str(n) for n in range(3_000)]


@pytest.fixture
def restored_loggers() -> Iterator[None]:
    """Restores the loggers of this process."""
    roots = [logging.getLogger(name) for name in ("deployments", "bots", "ui", "storage", "proxies")]
    before = [(root, root.handlers[:], root.level) for root in roots]
    yield
    for root, handlers, level in before:
        for handler in {*root.handlers} - {*handlers}:
            handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)


@pytest.mark.usefixtures("restored_loggers")
def test_open_log_is_idempotent(tmp_path: Path) -> None:
    open_log(tmp_path, "gateway")
    open_log(tmp_path, "gateway")
    logging.getLogger("deployments.x").info("hello")
    logging.getLogger("bots.y").info("hello")
    flush_log()
    assert [line[-5:] for line in lines(tmp_path / f"gateway.{os.getpid()}.log")] == ["hello", "hello"]


@pytest.mark.usefixtures("restored_loggers")
def test_open_log_keeps_newest_old_files(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for age in range(12):
        old = tmp_path / f"gateway.{dead.pid}.log{f'.{age}' if age else ''}"
        old.write_text("x")
        os.utime(old, (age * 100, age * 100))
    running, other = tmp_path / f"gateway.{os.getppid()}.log", tmp_path / f"gateway-two.{dead.pid}.log"
    for file in (running, other):
        file.write_text("x")
        os.utime(file, (1, 1))
    open_log(tmp_path, "gateway")
    left = {file.name for file in tmp_path.iterdir()}
    assert left == {running.name, other.name} | {f"gateway.{dead.pid}.log.{age}" for age in range(6, 12)}
