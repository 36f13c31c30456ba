from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect

from storage import migrate
from storage.database import Database
from storage.models import Base
from tests.storage.conftest import url_of


async def test_the_migrations_build_what_the_models_say(database: Database) -> None:
    differences: list[object] = []

    def compare(connection: Connection) -> None:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences.extend(compare_metadata(context, Base.metadata))

    await database.run(compare)
    assert differences == []


async def test_up_and_down_and_up_again(database: Database) -> None:
    tables: list[set[str]] = []

    def travel(connection: Connection) -> None:
        migrate.downgrade(connection, "base")
        tables.append(set(inspect(connection).get_table_names()))
        migrate.upgrade(connection)
        tables.append(set(inspect(connection).get_table_names()))

    await database.run(travel)
    left, again = tables
    assert left - {"sqlite_sequence"} == {"alembic_version"}
    assert again - {"sqlite_sequence"} == {"alembic_version", *Base.metadata.tables}


async def test_a_history_counted_in_characters_is_counted_in_tokens(database: Database) -> None:
    def age(connection: Connection) -> None:
        migrate.downgrade(connection, "0002")
        value = '{"temperature": 0.3, "history_chars": 8000}'
        connection.exec_driver_sql(
            f"INSERT INTO settings (name, value, revision, updated_at) VALUES ('llm', '{value}', 1, '2026-01-01')"
        )
        migrate.upgrade(connection)

    await database.run(age)
    async with database.unit_of_work() as work:
        llm = (await work.settings.get()).llm
    assert (llm.temperature, llm.history_tokens) == (0.3, 2_000)


async def test_opening_again_keeps_what_is_stored(tmp_path: Path) -> None:
    for expected in (1, 2, 3):
        database = Database(url_of(tmp_path))
        await database.open()
        async with database.unit_of_work() as work:
            assert await work.revisions.next() == expected
        await database.close()


async def test_a_migration_that_fails_leaves_the_schema_as_it_was(tmp_path: Path) -> None:
    database = Database(url_of(tmp_path))
    await database.open()
    tables: list[str] = []

    def fail_half_way(connection: Connection) -> None:
        migrate.downgrade(connection, "base")
        raise RuntimeError("power cut")

    def look(connection: Connection) -> None:
        tables.extend(inspect(connection).get_table_names())

    try:
        await database.run(fail_half_way)
    except RuntimeError:
        await database.run(look)
    await database.close()
    assert "faq_entries" in tables
