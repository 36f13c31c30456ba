import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from deployments.contracts.errors import SecretaryError, Unavailable
from deployments.contracts.faq_entry import FaqEntry
from storage.database import Database
from storage.repositories.audit import AuditEvent
from tests.storage.database_urls import sqlite_url
from tests.storage.forked_processes import ForkedProcess
from tests.storage.killed_processes import write_endlessly
from tests.storage.small_disk import limited_file_size, mounted_tmpfs


def _write_until_killed(url: str, acknowledged: Path, count: int) -> set[int]:
    """Kills a writer after ``count`` commits or more. Returns all acknowledged revisions."""
    acknowledged.touch()
    before = len(acknowledged.read_bytes())
    writer = ForkedProcess(write_endlessly, url, acknowledged)
    writer.start()
    while acknowledged.read_bytes()[before:].count(b"\n") < count:
        assert writer.running
        time.sleep(0.001)
    writer.kill()
    return {int(line) for line in acknowledged.read_bytes().splitlines()}


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.long)])
async def test_kill_loses_no_acknowledged_write(tmp_path: Path, kills: int) -> None:
    for _ in range(kills):
        acknowledged = await asyncio.to_thread(
            _write_until_killed, sqlite_url(tmp_path), tmp_path / "acknowledged", random.randint(1, 30)
        )
        database = Database(sqlite_url(tmp_path), ownership_timeout_s=1)
        await database.open()
        assert await database.check_integrity() == ()
        async with database.unit_of_work() as work:
            questions = {entry.question for entry in await work.faq.all()}
            audited = {int(event.resource_id) for event in await work.audit.newest(1_000_000)}
            revision = await work.revisions.current()
        await database.close()
        assert {f"Вопрос {number}" for number in acknowledged} <= questions
        assert len(questions) == len(audited) == revision


async def _write_until_full(database: Database) -> int:
    """Writes until the disk refuses, and returns the number of committed units of work."""
    refusal: SecretaryError | None = None
    committed = 0
    while refusal is None and committed < 100_000:
        try:
            async with database.unit_of_work() as work:
                revision = await work.revisions.next()
                await work.faq.add(FaqEntry(question=f"Вопрос {revision}", answer="Да. " * 900))
                await work.audit.add(AuditEvent("writer", "create", "faq", str(revision)))
            committed += 1
        except SecretaryError as error:
            refusal = error
    assert isinstance(refusal, Unavailable)
    assert "nothing was saved" in refusal.message
    return committed


@pytest.mark.parametrize("small_disk", [mounted_tmpfs, limited_file_size])
async def test_full_disk_rolls_back_the_write(
    tmp_path: Path, small_disk: Callable[[Path], AbstractContextManager[Path]]
) -> None:
    with small_disk(tmp_path) as folder:
        database = Database(sqlite_url(folder))
        await database.open()
        committed = await _write_until_full(database)
        async with database.unit_of_work() as work:
            assert await work.revisions.current() == committed
            assert len(await work.faq.all()) == len(await work.audit.newest(100_000)) == committed
        assert await database.check_integrity() == ()
        await database.close()


async def test_writing_continues_after_a_full_disk(sqlite_database: Database, tmp_path: Path) -> None:
    with limited_file_size(tmp_path):
        await _write_until_full(sqlite_database)
    async with sqlite_database.unit_of_work() as work:
        before = await work.revisions.current()
        assert await work.revisions.next() == before + 1
    assert await sqlite_database.check_integrity() == ()
