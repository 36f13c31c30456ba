import asyncio
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Connection, text

from deployments.contracts.errors import Conflict, Unavailable
from deployments.contracts.faq_entry import FaqEntry
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.repositories.users import StoredUser
from storage.sqlite_connection import RollbackOnCloseConnection
from tests.storage.database_urls import ON_BOTH_DATABASES, sqlite_url
from tests.storage.forked_processes import exit_code_of
from tests.storage.killed_processes import open_database

EVENT = AuditEvent("admin", "create", "faq", "1")


async def test_sqlite_connection_has_the_pragmas(sqlite_database: Database) -> None:
    found: dict[str, object] = {}

    def read(connection: Connection) -> None:
        for pragma in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete"):
            found[pragma] = connection.execute(text(f"PRAGMA {pragma}")).scalar()

    await sqlite_database.run_sync(read)
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
        "secure_delete": 1,
    }


def _on_disk(database: Database, word: str) -> bool:
    assert database.path is not None
    files = database.path.parent.glob(f"{database.path.name}*")
    return any(word.encode() in file.read_bytes() for file in files)


async def test_truncate_wal_erases_deleted_text(sqlite_database: Database) -> None:
    async with sqlite_database.unit_of_work() as work:
        stored = await work.faq.add(FaqEntry(question="Личное?", answer="Тайное"))
    with closing(sqlite3.connect(str(sqlite_database.path))) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM faq_entries").fetchall()
        async with sqlite_database.unit_of_work() as work:
            await work.faq.remove(stored.id)
        assert not await sqlite_database.truncate_wal()
        assert _on_disk(sqlite_database, "Тайное")
        async with sqlite_database.unit_of_work() as work:
            await work.audit.add(EVENT)
    assert await sqlite_database.truncate_wal()
    assert not _on_disk(sqlite_database, "Тайное")
    found: list[object] = []
    await sqlite_database.run_sync(lambda c: found.append(c.execute(text("PRAGMA busy_timeout")).scalar()))
    assert found == [5000]


async def test_truncate_wal_fails_while_the_connection_is_busy(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path), ownership_timeout_s=0.2, pool_timeout_s=0.1)
    await database.open()
    async with database.unit_of_work():
        assert not await database.truncate_wal()
    assert await database.truncate_wal()
    await database.close()


@ON_BOTH_DATABASES
async def test_unit_of_work_commits_at_the_end(database: Database) -> None:
    async with database.unit_of_work() as work:
        await work.audit.add(EVENT)
    async with database.unit_of_work() as work:
        assert [event.action for event in await work.audit.newest()] == ["create"]
    assert await database.truncate_wal()
    assert await database.check_integrity() == ()


@ON_BOTH_DATABASES
async def test_unit_of_work_rolls_back_on_error(database: Database) -> None:
    async def fail() -> None:
        async with database.unit_of_work() as work:
            await work.audit.add(EVENT)
            raise RuntimeError("failed")

    with pytest.raises(RuntimeError, match="failed"):
        await fail()
    async with database.unit_of_work() as work:
        assert await work.audit.newest() == ()


@ON_BOTH_DATABASES
async def test_cancelled_unit_of_work_releases_the_connection(database: Database) -> None:
    started = asyncio.Event()

    async def wait_for_ever() -> None:
        async with database.unit_of_work() as work:
            await work.audit.add(EVENT)
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait_for_ever())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.unit_of_work() as work:
        assert await work.audit.newest() == ()


async def test_busy_connection_is_a_retryable_error(database_url: str) -> None:
    database = Database(database_url, pool_timeout_s=0.05)
    await database.open()
    async with database.unit_of_work():
        with pytest.raises(Unavailable) as caught:
            async with database.unit_of_work():
                pass
        with pytest.raises(Unavailable):
            await database.run_sync(lambda _: None)
    assert caught.value.retryable
    assert caught.value.retry_after_s
    await database.close()


@ON_BOTH_DATABASES
async def test_cancellation_keeps_the_database_usable(database: Database) -> None:
    async def write() -> None:
        async with database.unit_of_work() as work:
            await work.audit.add(EVENT)

    for delay_ms in range(40):
        task = asyncio.create_task(write())
        await asyncio.sleep(delay_ms / 4000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with database.unit_of_work() as work:
        before = len(await work.audit.newest(1000))
        await work.audit.add(EVENT)
        assert len(await work.audit.newest(1000)) == before + 1
    assert await database.check_integrity() == ()


@ON_BOTH_DATABASES
async def test_concurrent_units_of_work_are_serialized(database: Database) -> None:
    async def next_revision() -> int:
        async with database.unit_of_work() as work:
            return await work.revisions.next()

    revisions = await asyncio.gather(*(next_revision() for _ in range(20)))
    assert sorted(revisions) == list(range(1, 21))


async def test_concurrent_units_of_work_share_one_connection(sqlite_database: Database, tmp_path: Path) -> None:
    async def read() -> None:
        async with sqlite_database.unit_of_work() as work:
            await work.revisions.current()

    await asyncio.gather(*(read() for _ in range(20)))
    opened = [file.path for file in psutil.Process().open_files()]
    assert opened.count(str(tmp_path / "secretary.db")) == 1


@ON_BOTH_DATABASES
async def test_duplicate_name_is_a_conflict(database: Database) -> None:
    async def add() -> None:
        async with database.unit_of_work() as work:
            await work.users.add(StoredUser("anna", "hash"))

    await add()
    with pytest.raises(Conflict):
        await add()


@ON_BOTH_DATABASES
async def test_second_owner_waits_until_the_first_closes(database: Database, database_url: str) -> None:
    with pytest.raises(Conflict, match=r"in use .*process \d+"):
        await Database(database_url, ownership_timeout_s=0).open()
    second = Database(database_url, ownership_timeout_s=10)
    opening = asyncio.create_task(second.open())
    await asyncio.sleep(0)
    await database.close()
    await opening
    await second.close()


async def test_owner_is_named_by_its_process_id(sqlite_database: Database, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match=str(os.getpid())):
        await Database(sqlite_url(tmp_path), ownership_timeout_s=0).open()


async def test_owner_excludes_another_process(database: Database, database_url: str) -> None:
    assert await asyncio.to_thread(exit_code_of, open_database, database_url) == 1
    await database.close()
    assert await asyncio.to_thread(exit_code_of, open_database, database_url) == 0


async def test_unit_of_work_requires_an_open_database(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="not open"):
        async with Database(sqlite_url(tmp_path)).unit_of_work():
            pass


async def test_damaged_file_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "secretary.db"
    path.write_bytes(b"this is a letter, not a database" * 100)
    with pytest.raises(Unavailable, match="damaged"):
        await Database(sqlite_url(tmp_path)).open()
    assert path.read_bytes() == b"this is a letter, not a database" * 100


async def test_sqlite_files_are_private(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path))
    await database.open()
    async with database.unit_of_work() as work:
        await work.audit.add(EVENT)
    files = list(tmp_path.glob("secretary.*"))
    assert {file.name for file in files} >= {"secretary.db", "secretary.db-wal", "secretary.lock"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    await database.close()


@pytest.mark.parametrize(("factory", "released"), [(RollbackOnCloseConnection, True), (sqlite3.Connection, False)])
def test_close_releases_locks_of_an_unfinished_statement(
    tmp_path: Path, factory: type[sqlite3.Connection], released: bool
) -> None:
    closed = sqlite3.connect(tmp_path / "x.db", factory=factory, isolation_level=None)
    closed.execute("CREATE TABLE things (name TEXT)")
    closed.execute("BEGIN IMMEDIATE")
    unfinished = closed.execute("INSERT INTO things VALUES ('a'), ('b') RETURNING name")
    assert unfinished.fetchone() == ("a",)
    closed.close()
    with closing(sqlite3.connect(tmp_path / "x.db", timeout=0, isolation_level=None)) as other:
        if released:
            other.execute("BEGIN IMMEDIATE")
            assert other.execute("SELECT * FROM things").fetchall() == []
        else:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
    del unfinished
