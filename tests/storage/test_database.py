import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Connection, text

from deployments.contracts.errors import Conflict, Unavailable
from deployments.contracts.settings import FaqEntry
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.repositories.users import StoredUser
from storage.sqlite_connection import RollbackOnCloseConnection
from tests.storage.conftest import url_of

EVENT = AuditEvent("admin", "create", "faq", "1")


async def test_every_sqlite_connection_is_durable_and_checks_references_by_its_pragmas(sqlite: Database) -> None:
    found: dict[str, object] = {}

    def read(connection: Connection) -> None:
        for pragma in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete"):
            found[pragma] = connection.execute(text(f"PRAGMA {pragma}")).scalar()

    await sqlite.run_sync(read)
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


async def test_what_was_deleted_is_scrubbed_off_the_disk_as_soon_as_nobody_reads(sqlite: Database) -> None:
    async with sqlite.unit_of_work() as work:
        stored = await work.faq.add(FaqEntry(question="Личное?", answer="Тайное"))
    with closing(sqlite3.connect(str(sqlite.path))) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM faq_entries").fetchall()
        async with sqlite.unit_of_work() as work:
            await work.faq.remove(stored.id)
        assert not await sqlite.truncate_wal()
        assert _on_disk(sqlite, "Тайное")
        async with sqlite.unit_of_work() as work:
            await work.audit.add(EVENT)
    assert await sqlite.truncate_wal()
    assert not _on_disk(sqlite, "Тайное")
    found: list[object] = []
    await sqlite.run_sync(lambda connection: found.append(connection.execute(text("PRAGMA busy_timeout")).scalar()))
    assert found == [5000]


async def test_a_scrub_that_gets_no_connection_waits_for_another_time(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}", ownership_timeout_s=0.2, pool_timeout_s=0.1)
    await database.open()
    async with database.unit_of_work():
        assert not await database.truncate_wal()
    assert await database.truncate_wal()
    await database.close()


async def test_a_server_is_not_scrubbed(database: Database) -> None:
    assert await database.truncate_wal()


async def test_a_unit_of_work_is_committed_when_its_block_ends(database: Database) -> None:
    async with database.unit_of_work() as work:
        await work.audit.add(EVENT)
    async with database.unit_of_work() as work:
        assert [event.action for event in await work.audit.newest()] == ["create"]


async def test_a_unit_of_work_that_raises_leaves_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.unit_of_work() as work:
            await work.audit.add(EVENT)
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        await fail()
    async with database.unit_of_work() as work:
        assert await work.audit.newest() == ()


async def test_a_cancelled_unit_of_work_leaves_nothing_and_frees_the_connection(database: Database) -> None:
    begun = asyncio.Event()

    async def linger() -> None:
        async with database.unit_of_work() as work:
            await work.audit.add(EVENT)
            begun.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(linger())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.unit_of_work() as work:
        assert await work.audit.newest() == ()


async def test_whoever_waits_too_long_for_the_connection_is_told_to_come_again(url: str) -> None:
    database = Database(url, pool_timeout_s=0.05)
    await database.open()
    async with database.unit_of_work():
        with pytest.raises(Unavailable, match="busy") as refused:
            async with database.unit_of_work():
                pass
        with pytest.raises(Unavailable, match="busy"):
            await database.run_sync(lambda _: None)
    assert refused.value.retryable
    assert refused.value.retry_after_s
    await database.close()


async def test_cancelling_at_any_moment_never_breaks_the_database(database: Database) -> None:
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


async def test_units_of_work_side_by_side_wait_for_each_other(database: Database) -> None:
    async def take() -> int:
        async with database.unit_of_work() as work:
            return await work.revisions.next()

    taken = await asyncio.gather(*(take() for _ in range(20)))
    assert sorted(taken) == list(range(1, 21))


async def test_however_busy_there_is_one_connection_to_the_sqlite_file(sqlite: Database, tmp_path: Path) -> None:
    async def look() -> None:
        async with sqlite.unit_of_work() as work:
            await work.revisions.current()

    await asyncio.gather(*(look() for _ in range(20)))
    opened = [file.path for file in psutil.Process().open_files()]
    assert opened.count(str(tmp_path / "secretary.db")) == 1


async def test_a_taken_name_is_a_conflict(database: Database) -> None:
    async def add() -> None:
        async with database.unit_of_work() as work:
            await work.users.add(StoredUser("anna", "hash"))

    await add()
    with pytest.raises(Conflict):
        await add()


async def test_a_second_owner_is_refused_until_the_first_leaves(database: Database, url: str) -> None:
    second = Database(url, ownership_timeout_s=0.2)
    with pytest.raises(Conflict, match=r"in use .*process \d+"):
        await second.open()
    patient = Database(url, ownership_timeout_s=10)
    opening = asyncio.create_task(patient.open())
    await asyncio.sleep(0.1)
    await database.close()
    await opening
    await patient.close()


async def test_the_owner_of_a_sqlite_file_is_named_by_its_process_id(sqlite: Database, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match=str(os.getpid())):
        await Database(url_of(tmp_path), ownership_timeout_s=0).open()


async def test_another_process_is_refused_too(database: Database, url: str) -> None:
    opening = f"asyncio.run(Database({url!r}, 0.1).open())"
    script = f"import asyncio; from storage.database import Database; {opening}"
    refused = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
    assert "Conflict" in refused.stderr


async def test_a_database_that_is_not_open_says_so(url: str) -> None:
    with pytest.raises(Unavailable, match="not open"):
        async with Database(url).unit_of_work():
            pass


async def test_a_damaged_sqlite_file_is_reported_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "secretary.db"
    path.write_bytes(b"this is a letter, not a database" * 100)
    with pytest.raises(Unavailable, match="damaged"):
        await Database(url_of(tmp_path)).open()
    assert path.read_bytes() == b"this is a letter, not a database" * 100


async def test_the_files_of_sqlite_are_private(sqlite: Database, tmp_path: Path) -> None:
    async with sqlite.unit_of_work() as work:
        await work.audit.add(EVENT)
    files = list(tmp_path.glob("secretary.*"))
    assert {file.name for file in files} >= {"secretary.db", "secretary.db-wal", "secretary.lock"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize(("factory", "free"), [(RollbackOnCloseConnection, True), (sqlite3.Connection, False)])
def test_sqlite_gives_its_lock_back_although_a_statement_was_left_in_the_middle(
    tmp_path: Path, factory: type[sqlite3.Connection], free: bool
) -> None:
    dropped = sqlite3.connect(tmp_path / "x.db", factory=factory, isolation_level=None)
    dropped.execute("CREATE TABLE things (name TEXT)")
    dropped.execute("BEGIN IMMEDIATE")
    left = dropped.execute("INSERT INTO things VALUES ('a'), ('b') RETURNING name")
    assert left.fetchone() == ("a",)
    dropped.close()
    with closing(sqlite3.connect(tmp_path / "x.db", timeout=0, isolation_level=None)) as other:
        if free:
            other.execute("BEGIN IMMEDIATE")
            assert other.execute("SELECT * FROM things").fetchall() == []
        else:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
    del left
