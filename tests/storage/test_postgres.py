"""PostgreSQL only: lost connections, refused logins and concurrent sessions."""

import asyncio
import signal
import sys
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, text

from deployments.contracts.errors import Conflict, InvalidRequest, Unavailable
from deployments.contracts.faq_entry import FaqEntry
from storage.database import Database
from storage.models import RevisionRow
from storage.postgres_ownership import OWNERSHIP_LOCK_KEY
from storage.repositories.users import StoredUser
from storage.unit_of_work import UnitOfWork
from tests.servers.postgres import PostgresCluster, running_postgres
from tests.storage.parallel_sessions import sessions_of

_TERMINATE_OWNER = f"""SELECT pg_terminate_backend(pid, 10000) FROM pg_locks
    WHERE locktype = 'advisory' AND ((classid::bigint << 32) | objid::bigint) = {OWNERSHIP_LOCK_KEY}"""


async def _next_revision(database: Database) -> int:
    async with database.unit_of_work() as work:
        return await work.revisions.next()


async def test_concurrent_sessions_get_different_revisions(postgres_url: str) -> None:
    async with sessions_of(postgres_url) as new_session:

        async def next_revision() -> int:
            async with new_session() as session, session.begin():
                return await UnitOfWork(session).revisions.next()

        revisions = await asyncio.gather(*(next_revision() for _ in range(20)))
        async with new_session() as session:
            assert len((await session.scalars(RevisionRow.__table__.select())).all()) == 20
    assert sorted(revisions) == list(range(1, 21))


async def test_lost_ownership_is_taken_again(postgres_url: str) -> None:
    database = Database(postgres_url, ownership_timeout_s=1)
    await database.open()
    await database.run_sync(_execute(_TERMINATE_OWNER))
    assert await _next_revision(database) == 1
    with pytest.raises(Conflict):
        await Database(postgres_url, ownership_timeout_s=0).open()
    await database.close()


async def test_lost_ownership_is_not_taken_from_another(postgres_url: str) -> None:
    first, second = Database(postgres_url, ownership_timeout_s=1), Database(postgres_url, ownership_timeout_s=1)
    await first.open()
    await first.run_sync(_execute(_TERMINATE_OWNER))
    await second.open()
    with pytest.raises(Conflict, match="in use"):
        await _next_revision(first)
    assert await _next_revision(second) == 1
    await first.close()
    await second.close()


@pytest.mark.long
async def test_restarted_server_is_used_again() -> None:
    with running_postgres() as server:
        database = Database(server.create_database(), ownership_timeout_s=1)
        await database.open()
        assert await _next_revision(database) == 1
        await asyncio.to_thread(server.stop, signal.SIGQUIT)
        with pytest.raises(Unavailable):
            await _next_revision(database)
        await asyncio.to_thread(server.start)
        assert await _next_revision(database) == 2
        await database.close()


async def test_unreachable_server_is_unavailable(cluster: PostgresCluster) -> None:
    url = cluster.server.url("x").replace(str(cluster.server.port), "1")
    with pytest.raises(Unavailable, match="cannot be reached"):
        await Database(url).open()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("pa%3Ass%2Fw%40rd", "hunter2"), "user or password"),
        (("/template1", "/nowhere"), "no such database"),
    ],
)
async def test_wrong_password_or_database_is_unavailable(
    cluster: PostgresCluster, change: tuple[str, str], words: str
) -> None:
    with pytest.raises(Unavailable, match=words) as caught:
        await Database(cluster.server.url("template1").replace(*change)).open()
    assert "hunter2" not in caught.value.message


async def test_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(Unavailable, match="make install EXTRA=postgres"):
        await Database("postgresql://u@127.0.0.1:1/x").open()


async def test_unstorable_text_is_an_invalid_request(postgres_url: str) -> None:
    database = Database(postgres_url)
    await database.open()
    with pytest.raises(InvalidRequest, match="NUL"):
        async with database.unit_of_work() as work:
            await work.faq.add(FaqEntry(question="a\x00b", answer="да"))
    with pytest.raises(InvalidRequest, match="longer"):
        async with database.unit_of_work() as work:
            await work.users.add(StoredUser("я" * 101, "hash"))
    await database.close()


def _execute(statement: str) -> Callable[[Connection], None]:
    def run(connection: Connection) -> None:
        connection.execute(text(statement))

    return run
