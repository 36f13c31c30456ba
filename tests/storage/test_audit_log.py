import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from storage import migrate
from storage.audit_chain import ChainPosition, audit_row_hash
from storage.database import Database
from storage.models import AuditRow
from storage.repositories.audit import AuditEvent, AuditFilter, AuditRepository
from tests.storage.audit_rows import DAY, START, add_events, execute_sql, first_broken_row
from tests.storage.database_urls import ON_BOTH_DATABASES
from tests.storage.parallel_sessions import sessions_of


async def test_chain_of_unchanged_rows_is_intact(database: Database) -> None:
    assert await first_broken_row(database) is None
    await add_events(database)
    for page_size in (1, 2, 7, 100):
        assert await first_broken_row(database, page_size) is None


_COLUMNS = "created_at, username, action, resource, resource_id, address, detail, previous_hash, hash"
_TAMPERING = [
    (("UPDATE audit_log SET detail = 'answer X' WHERE id = 4",), 4),
    (("UPDATE audit_log SET username = 'igor' WHERE id = 1",), 1),
    (("UPDATE audit_log SET address = '10.0.0.2' WHERE id = 7",), 7),
    (("UPDATE audit_log SET resource = 'fa', resource_id = 'q3' WHERE id = 3",), 3),
    (("UPDATE audit_log SET hash = '' WHERE id = 5",), 5),
    (("UPDATE audit_log SET created_at = (SELECT created_at FROM audit_log WHERE id = 1) WHERE id = 2",), 2),
    (("DELETE FROM audit_log WHERE id = 1",), 2),
    (("DELETE FROM audit_log WHERE id = 4",), 5),
    (("DELETE FROM audit_log WHERE id = 7",), 7),
    (("DELETE FROM audit_log",), 7),
    (
        (
            "UPDATE audit_log SET id = 99 WHERE id = 3",
            "UPDATE audit_log SET id = 3 WHERE id = 4",
            "UPDATE audit_log SET id = 4 WHERE id = 99",
        ),
        3,
    ),
    ((f"INSERT INTO audit_log (id, {_COLUMNS}) SELECT 50, {_COLUMNS} FROM audit_log WHERE id = 7",), 50),
    (
        (
            "UPDATE audit_log SET id = 80 WHERE id = 7",
            f"INSERT INTO audit_log (id, {_COLUMNS}) SELECT 7, {_COLUMNS} FROM audit_log WHERE id = 6",
        ),
        7,
    ),
]


@pytest.mark.parametrize(("statements", "broken"), _TAMPERING)
async def test_chain_with_tampered_rows_is_broken(database: Database, statements: tuple[str, ...], broken: int) -> None:
    await add_events(database)
    await execute_sql(database, *statements)
    for page_size in (1, 3, 100):
        assert await first_broken_row(database, page_size) == broken


async def test_chain_check_continues_from_a_position(database: Database) -> None:
    await add_events(database, 5)
    async with database.unit_of_work() as work:
        half = await work.audit.check_chain(ChainPosition(), 3)
        assert (half.finished, half.broken_id, half.position.id) == (False, None, 3)
        assert (await work.audit.check_chain(half.position, 3)).finished


@ON_BOTH_DATABASES
async def test_chain_after_cleanup_is_verifiable(database: Database) -> None:
    await add_events(database)
    async with database.unit_of_work() as work:
        assert await work.audit.remove_before(START + 4 * DAY) == 3
        assert await work.audit.remove_before(START + 4 * DAY) == 0
    assert await first_broken_row(database) is None
    await add_events(database, 2)
    assert await first_broken_row(database, 2) is None
    await execute_sql(database, "DELETE FROM audit_log WHERE id = 4")
    assert await first_broken_row(database) == 5


async def test_cleanup_keeps_the_newest_row(database: Database) -> None:
    await add_events(database)
    async with database.unit_of_work() as work:
        assert await work.audit.remove_before(START + 400 * DAY) == 6
        assert [event.resource_id for event in await work.audit.newest()] == ["7"]
        assert await work.audit.remove_before(START + 400 * DAY) == 0
    assert await first_broken_row(database) is None


async def test_cleanup_stops_at_the_first_newer_row(database: Database) -> None:
    async with database.unit_of_work() as work:
        for day in (5, 1, 6):
            await work.audit.add(AuditEvent("anna", "update", "faq", str(day), at=START + day * DAY))
        assert await work.audit.remove_before(START + 3 * DAY) == 0
    assert await first_broken_row(database) is None


async def test_chain_includes_rows_of_the_first_schema(database: Database) -> None:
    def insert_in_first_schema(connection: Connection) -> None:
        migrate.downgrade(connection, "0001")
        insert = "INSERT INTO audit_log (created_at, username, action, resource, resource_id, address, detail) VALUES "
        for number in range(3):
            connection.execute(
                text(insert + "(:at, 'anna', 'update', 'faq', :id, '', '')"), {"at": START, "id": str(number)}
            )
        migrate.upgrade(connection)

    await database.run_sync(insert_in_first_schema)
    await add_events(database, 2)
    assert await first_broken_row(database) is None
    await execute_sql(database, "UPDATE audit_log SET detail = 'x' WHERE id = 2")
    assert await first_broken_row(database) == 2


@ON_BOTH_DATABASES
async def test_search_filters_and_counts_all_pages(database: Database) -> None:
    await add_events(database)
    async with database.unit_of_work() as work:
        await work.audit.add(AuditEvent("igor", "delete", "bot", "shop"))
        page, total = await work.audit.search(AuditFilter(username="anna", since=START + 2 * DAY), 2, 1)
        assert ([record.event.resource_id for record in page], total) == (["6", "5"], 6)
        assert (await work.audit.search(AuditFilter(action="delete", resource="bot"), 10, 0))[1] == 1
        assert (await work.audit.search(AuditFilter(until=START + 2 * DAY), 10, 0))[1] == 1
        assert (await work.audit.search(AuditFilter(action="delete", resource="faq"), 10, 0)) == ((), 0)


async def test_after_continues_behind_the_last_record(database: Database) -> None:
    await add_events(database, 5)
    async with database.unit_of_work() as work:
        first = await work.audit.after(AuditFilter(username="anna"), 0, 3)
        second = await work.audit.after(AuditFilter(username="anna"), first[-1].id, 3)
    assert [record.event.resource_id for record in (*first, *second)] == ["1", "2", "3", "4", "5"]


async def test_stats_count_last_day_actions_and_resources(database: Database) -> None:
    await add_events(database)
    async with database.unit_of_work() as work:
        await work.audit.add(AuditEvent("igor", "delete", "bot", "shop"))
        stats = await work.audit.stats()
    assert (stats.total, stats.last_day) == (8, 1)
    assert (stats.by_action, stats.by_resource) == ({"delete": 1, "update": 7}, {"bot": 1, "faq": 7})


async def test_addresses_are_those_of_user_action_and_time(database: Database) -> None:
    async with database.unit_of_work() as work:
        for day, action, address in ((1, "login", "10.0.0.1"), (3, "login", "10.0.0.2"), (3, "logout", "10.0.0.3")):
            await work.audit.add(AuditEvent("anna", action, "auth", address=address, at=START + day * DAY))
        await work.audit.add(AuditEvent("olga", "login", "auth", address="10.0.0.4", at=START + 3 * DAY))
    async with database.unit_of_work() as work:
        assert await work.audit.addresses("anna", "login", START + 2 * DAY) == {"10.0.0.2"}
        assert await work.audit.addresses("anna", "login", START) == {"10.0.0.1", "10.0.0.2"}


async def test_postgres_concurrent_appends_make_one_chain(postgres_url: str) -> None:
    async with sessions_of(postgres_url) as new_session:

        async def append(number: int) -> None:
            async with new_session() as session, session.begin():
                await AuditRepository(session).add(AuditEvent("anna", "update", "faq", str(number)))

        await asyncio.gather(*(append(number) for number in range(30)))
        async with new_session() as session:
            audit = AuditRepository(session)
            assert (await audit.stats()).total == 30
            checked = await audit.check_chain(ChainPosition(), 100)
            assert (checked.finished, checked.broken_id) == (True, None)


_words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.lists(_words, min_size=6, max_size=6), st.lists(_words, min_size=6, max_size=6))
def test_hash_of_different_rows_differs(left: list[str], right: list[str]) -> None:
    names = ("username", "action", "resource", "resource_id", "address", "detail")
    hashes = [
        audit_row_hash(AuditRow(created_at=START, **dict(zip(names, row, strict=True))), "") for row in (left, right)
    ]
    assert (hashes[0] == hashes[1]) == (left == right)
