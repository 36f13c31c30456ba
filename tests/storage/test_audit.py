import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from storage import migrate
from storage.audit_chain import audit_row_hash
from storage.audit_pages import export_audit_log, verify_audit_log
from storage.database import Database
from storage.models import AuditRow
from storage.repositories.audit import AuditEvent, AuditFilter, AuditRepository
from tests.storage.parallel_sessions import sessions_of

START = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)


async def _fill(database: Database, count: int = 7) -> None:
    async with database.unit_of_work() as work:
        for number in range(1, count + 1):
            event = AuditEvent(
                "anna", "update", "faq", str(number), "10.0.0.1", f"answer {number}", START + number * DAY
            )
            await work.audit.add(event)


async def _tamper(database: Database, *statements: str) -> None:
    def run(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement))

    await database.run_sync(run)


async def test_an_untouched_trail_is_whole_whatever_the_step(database: Database) -> None:
    assert await verify_audit_log(database) is None
    await _fill(database)
    for page in (1, 2, 7, 100):
        assert await verify_audit_log(database, page) is None
    async with database.unit_of_work() as work:
        assert await work.audit.verify_chain(3) is None


_COLUMNS = "created_at, username, action, resource, resource_id, address, detail, previous_hash, hash"


@pytest.mark.parametrize(
    ("statements", "broken"),
    [
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
    ],
)
async def test_a_row_that_was_changed_removed_swapped_or_inserted_is_found(
    database: Database, statements: tuple[str, ...], broken: int
) -> None:
    await _fill(database)
    await _tamper(database, *statements)
    for page in (1, 3, 100):
        assert await verify_audit_log(database, page) == broken


async def test_cleaning_up_keeps_the_rest_verifiable(database: Database) -> None:
    await _fill(database)
    async with database.unit_of_work() as work:
        assert await work.audit.remove_before(START + 4 * DAY) == 3
        assert await work.audit.remove_before(START + 4 * DAY) == 0
    assert await verify_audit_log(database) is None
    await _fill(database, 2)
    assert await verify_audit_log(database, 2) is None
    await _tamper(database, "DELETE FROM audit_log WHERE id = 4")
    assert await verify_audit_log(database) == 5


async def test_cleaning_up_everything_leaves_the_newest_row(database: Database) -> None:
    await _fill(database)
    async with database.unit_of_work() as work:
        assert await work.audit.remove_before(START + 400 * DAY) == 6
        assert [event.resource_id for event in await work.audit.newest()] == ["7"]
        assert await work.audit.remove_before(START + 400 * DAY) == 0
    assert await verify_audit_log(database) is None


async def test_only_the_oldest_rows_go_even_when_a_later_one_says_an_earlier_time(database: Database) -> None:
    async with database.unit_of_work() as work:
        for day in (5, 1, 6):
            await work.audit.add(AuditEvent("anna", "update", "faq", str(day), at=START + day * DAY))
        assert await work.audit.remove_before(START + 3 * DAY) == 0
    assert await verify_audit_log(database) is None


async def test_rows_of_the_first_version_join_the_chain(database: Database) -> None:
    def travel(connection: Connection) -> None:
        migrate.downgrade(connection, "0001")
        insert = "INSERT INTO audit_log (created_at, username, action, resource, resource_id, address, detail) VALUES "
        for number in range(3):
            connection.execute(
                text(insert + "(:at, 'anna', 'update', 'faq', :id, '', '')"), {"at": START, "id": str(number)}
            )
        migrate.upgrade(connection)

    await database.run_sync(travel)
    await _fill(database, 2)
    assert await verify_audit_log(database) is None
    await _tamper(database, "UPDATE audit_log SET detail = 'x' WHERE id = 2")
    assert await verify_audit_log(database) == 2


async def test_search_filters_and_counts_over_pages(database: Database) -> None:
    await _fill(database)
    async with database.unit_of_work() as work:
        await work.audit.add(AuditEvent("igor", "delete", "bot", "shop"))
        page, total = await work.audit.search(AuditFilter(username="anna", since=START + 2 * DAY), 2, 1)
        assert ([record.event.resource_id for record in page], total) == (["6", "5"], 6)
        assert (await work.audit.search(AuditFilter(action="delete", resource="bot"), 10, 0))[1] == 1
        assert (await work.audit.search(AuditFilter(until=START + 2 * DAY), 10, 0))[1] == 1
        assert (await work.audit.search(AuditFilter(action="delete", resource="faq"), 10, 0)) == ((), 0)


async def test_stats_count_the_last_day_actions_and_resources(database: Database) -> None:
    await _fill(database)
    async with database.unit_of_work() as work:
        await work.audit.add(AuditEvent("igor", "delete", "bot", "shop"))
        stats = await work.audit.stats()
    assert (stats.total, stats.last_day) == (8, 1)
    assert (stats.by_action, stats.by_resource) == ({"delete": 1, "update": 7}, {"bot": 1, "faq": 7})


async def test_an_export_streams_everything_in_order_while_others_write(database: Database) -> None:
    await _fill(database)
    seen: list[str] = []
    async for record in export_audit_log(database, AuditFilter(resource="faq"), page_size=2):
        seen.append(record.event.resource_id)
        if record.event.resource_id == "3":
            async with database.unit_of_work() as work:
                await work.audit.add(AuditEvent("anna", "update", "faq", "late"))
    assert seen == ["1", "2", "3", "4", "5", "6", "7", "late"]


async def test_appends_of_many_postgresql_connections_make_one_chain(postgres_url: str) -> None:
    async with sessions_of(postgres_url) as new_session:

        async def append(number: int) -> None:
            async with new_session() as session, session.begin():
                await AuditRepository(session).add(AuditEvent("anna", "update", "faq", str(number)))

        await asyncio.gather(*(append(number) for number in range(30)))
        async with new_session() as session:
            assert (await AuditRepository(session).stats()).total == 30
            assert await AuditRepository(session).verify_chain() is None


_words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.lists(_words, min_size=6, max_size=6), st.lists(_words, min_size=6, max_size=6))
def test_two_different_rows_never_hash_alike(left: list[str], right: list[str]) -> None:
    names = ("username", "action", "resource", "resource_id", "address", "detail")
    made = [
        audit_row_hash(AuditRow(created_at=START, **dict(zip(names, row, strict=True))), "") for row in (left, right)
    ]
    assert (made[0] == made[1]) == (left == right)


async def test_the_addresses_somebody_came_from_are_those_of_that_action_since_then(database: Database) -> None:
    async with database.unit_of_work() as work:
        for day, action, address in ((1, "login", "10.0.0.1"), (3, "login", "10.0.0.2"), (3, "logout", "10.0.0.3")):
            await work.audit.add(AuditEvent("anna", action, "auth", address=address, at=START + day * DAY))
        await work.audit.add(AuditEvent("olga", "login", "auth", address="10.0.0.4", at=START + 3 * DAY))
    async with database.unit_of_work() as work:
        assert await work.audit.addresses("anna", "login", START + 2 * DAY) == {"10.0.0.2"}
        assert await work.audit.addresses("anna", "login", START) == {"10.0.0.1", "10.0.0.2"}
