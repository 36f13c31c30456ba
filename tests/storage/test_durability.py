import asyncio
import contextlib
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.contracts.errors import SecretaryError, Unavailable
from deployments.contracts.settings import FaqEntry
from storage.database import Database
from storage.repositories.audit import AuditEvent
from tests.storage.conftest import url_of


def _killed_writer(url: str, patience_s: float) -> list[int]:
    """What a writer acknowledged until SIGKILL, ``patience_s`` after its first word."""
    command = [sys.executable, "-m", "tests.storage.endless_writer", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(patience_s)
        writer.send_signal(signal.SIGKILL)
        lines = [first, *writer.stdout.read().splitlines(keepends=True)]
    return [int(line) for line in lines if line.endswith("\n")]


@pytest.mark.slow
async def test_no_acknowledged_write_to_a_sqlite_file_is_lost_to_kill_9(tmp_path: Path) -> None:
    acknowledged: set[int] = set()
    for _ in range(10):
        acknowledged.update(await asyncio.to_thread(_killed_writer, url_of(tmp_path), random.uniform(0.01, 0.4)))
        database = Database(url_of(tmp_path), ownership_timeout_s=1)
        await database.open()
        assert await database.check_integrity() == ()
        async with database.unit_of_work() as work:
            questions = {entry.question for entry in await work.faq.all()}
            audited = {int(event.resource_id) for event in await work.audit.newest(1_000_000)}
            revision = await work.revisions.current()
        await database.close()
        assert {f"Вопрос {number}" for number in acknowledged} <= questions
        assert len(questions) == len(audited) == revision
    assert len(acknowledged) >= 10


@contextlib.contextmanager
def _small_file_system(folder: Path) -> Iterator[Path]:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@contextlib.contextmanager
def _small_files(folder: Path) -> Iterator[Path]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, hard))
    try:
        yield folder
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def _write(database: Database) -> None:
    async with database.unit_of_work() as work:
        revision = await work.revisions.next()
        await work.faq.add(FaqEntry(question=f"Вопрос {revision}", answer="Да. " * 900))
        await work.audit.add(AuditEvent("writer", "create", "faq", str(revision)))


async def _fill(database: Database) -> int:
    """Writes until the disk refuses; how many units of work were acknowledged."""
    refused: SecretaryError | None = None
    acknowledged = 0
    while refused is None and acknowledged < 100_000:
        try:
            await _write(database)
            acknowledged += 1
        except SecretaryError as error:
            refused = error
    assert isinstance(refused, Unavailable)
    assert "disk" in refused.message
    assert "nothing was saved" in refused.message
    return acknowledged


@pytest.mark.parametrize("small", [_small_file_system, _small_files])
async def test_a_full_disk_under_sqlite_is_told_clearly_and_leaves_nothing_half_written(tmp_path: Path, small) -> None:  # type: ignore[no-untyped-def]
    with small(tmp_path) as folder:
        database = Database(url_of(folder))
        await database.open()
        written = await _fill(database)
        async with database.unit_of_work() as work:
            assert await work.revisions.current() == written
            assert len(await work.faq.all()) == len(await work.audit.newest(100_000)) == written
        assert await database.check_integrity() == ()
        await database.close()


async def test_writing_to_sqlite_goes_on_when_there_is_room_again(tmp_path: Path) -> None:
    database = Database(url_of(tmp_path))
    await database.open()
    with _small_files(tmp_path):
        await _fill(database)
    async with database.unit_of_work() as work:
        before = await work.revisions.current()
        assert await work.revisions.next() == before + 1
    assert await database.check_integrity() == ()
    await database.close()
