from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import JSON, Column, Connection, inspect, text

from deployments.contracts.errors import Conflict
from deployments.contracts.sampling import Sampling
from storage import migrate
from storage.database import Database
from storage.models import Base
from storage.repositories.audit import AuditEvent
from tests.storage.audit_rows import execute_sql, first_broken_row
from tests.storage.database_urls import ON_BOTH_DATABASES, sqlite_url
from tests.storage.records import TELEGRAM, recording


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database of its own: a failed migration must not affect other tests."""
    return sqlite_url(tmp_path) if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


def _default_differs(*compared: object) -> bool | None:
    """Compares JSON defaults of PostgreSQL as texts: it cannot compare them, and appends the type to a default."""
    context, _, column, found, _, expected = compared
    assert isinstance(context, MigrationContext)
    assert isinstance(column, Column)
    if context.dialect.name != "postgresql" or not isinstance(column.type, JSON):
        return None
    return str(found).partition("::")[0] != str(expected) if found or expected else False


@ON_BOTH_DATABASES
async def test_migrations_match_the_models(database: Database) -> None:
    differences: list[object] = []

    def compare(connection: Connection) -> None:
        options = {"compare_type": True, "compare_server_default": _default_differs}
        context = MigrationContext.configure(connection, opts=options)
        differences.extend(compare_metadata(context, Base.metadata))

    await database.run_sync(compare)
    assert differences == []


@ON_BOTH_DATABASES
async def test_downgrade_to_base_and_upgrade(database: Database) -> None:
    tables: list[set[str]] = []

    def downgrade_and_upgrade(connection: Connection) -> None:
        migrate.downgrade(connection, "base")
        tables.append(set(inspect(connection).get_table_names()))
        migrate.upgrade(connection)
        tables.append(set(inspect(connection).get_table_names()))

    await database.run_sync(downgrade_and_upgrade)
    without, with_all = tables
    assert without - {"sqlite_sequence"} == {"alembic_version"}
    assert with_all - {"sqlite_sequence"} == {"alembic_version", *Base.metadata.tables}


async def test_history_limit_is_converted_to_tokens(database: Database) -> None:
    def insert_and_upgrade(connection: Connection) -> None:
        migrate.downgrade(connection, "0002")
        value = '{"temperature": 0.3, "history_chars": 8000}'
        connection.exec_driver_sql(
            f"INSERT INTO settings (name, value, revision, updated_at) VALUES ('llm', '{value}', 1, '2026-01-01')"
        )
        migrate.upgrade(connection)

    await database.run_sync(insert_and_upgrade)
    async with database.unit_of_work() as work:
        llm = (await work.settings.get()).llm
    assert (llm.temperature, llm.history_tokens) == (0.3, 2_000)


async def test_open_keeps_existing_rows(database_url: str) -> None:
    for expected in (1, 2, 3):
        database = Database(database_url)
        await database.open()
        async with database.unit_of_work() as work:
            assert await work.revisions.next() == expected
        await database.close()


@ON_BOTH_DATABASES
async def test_failed_migration_is_rolled_back(database_url: str) -> None:
    database = Database(database_url)
    await database.open()
    tables: list[str] = []

    def fail_after_downgrade(connection: Connection) -> None:
        migrate.downgrade(connection, "base")
        raise RuntimeError("failed")

    def read_tables(connection: Connection) -> None:
        tables.extend(inspect(connection).get_table_names())

    try:
        await database.run_sync(fail_after_downgrade)
    except RuntimeError:
        await database.run_sync(read_tables)
    await database.close()
    assert "faq_entries" in tables


def _insert_in_first_schema(connection: Connection) -> None:
    """Inserts two conversations with interleaved messages, and one without messages."""
    insert = "INSERT INTO chat_sessions (id, source, source_id, person, display_name, created_at, updated_at) VALUES "
    for name in ("first", "second", "third"):
        values = f"('{name}', 'telegram', 'shop', '{name}', 'Иван', :now, :now)"
        connection.execute(text(insert + values), {"now": NOW})
    insert_message = "INSERT INTO chat_messages (id, session_id, turn_id, role, content, created_at) VALUES "
    for number, (session, content) in enumerate(MESSAGES, start=1):
        values = {"id": number, "session": session, "content": content, "now": NOW}
        connection.execute(text(insert_message + "(:id, :session, 't', 'user', :content, :now)"), values)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT setval('chat_messages_id_seq', 100)"))


@ON_BOTH_DATABASES
async def test_bots_without_a_list_stay_open_to_everyone(database: Database) -> None:
    def insert_and_upgrade(connection: Connection) -> None:
        migrate.downgrade(connection, "0005")
        for name, users in (("listed", "[7]"), ("open", "[]")):
            statement = _OLD_BOT.replace("'shop'", f"'{name}'").replace("Магазин", name).replace("[7]", users)
            connection.execute(text(statement), {"now": NOW})
        migrate.upgrade(connection)

    await database.run_sync(insert_and_upgrade)
    async with database.unit_of_work() as work:
        bots = await work.bots.all()
    assert {bot.id: bot.access for bot in bots} == {"listed": "listed", "open": "everyone"}


def _rows(connection: Connection, query: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(text(query))]


NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
MESSAGES = (("first", "раз"), ("second", "two"), ("first", "я" * 300), ("first", "четыре"), ("second", "x" * 100 + "y"))
OLD_MESSAGES = "SELECT id, session_id, turn_id, role, content, created_at FROM chat_messages ORDER BY id"
OLD_SESSIONS = "SELECT id, source, source_id, person, display_name, created_at, ended_at FROM chat_sessions ORDER BY id"


@ON_BOTH_DATABASES
async def test_messages_of_the_first_schema_are_linked(
    database: Database,
) -> None:
    def downgrade_and_upgrade(connection: Connection) -> None:
        migrate.downgrade(connection, "0001")
        _insert_in_first_schema(connection)
        before = _rows(connection, OLD_MESSAGES), _rows(connection, OLD_SESSIONS)
        migrate.upgrade(connection, "0002")
        assert (_rows(connection, OLD_MESSAGES), _rows(connection, OLD_SESSIONS)) == before
        parents = _rows(connection, "SELECT id, parent_id, edited, route FROM chat_messages ORDER BY id")
        assert parents == [
            (1, None, False, ""),
            (2, None, False, ""),
            (3, 1, False, ""),
            (4, 3, False, ""),
            (5, 2, False, ""),
        ]
        columns = "SELECT id, message_count, leaf_id, last_message, version, title FROM chat_sessions ORDER BY id"
        assert _rows(connection, columns) == [
            ("first", 3, 4, "четыре", 1, ""),
            ("second", 2, 5, "x" * 100, 1, ""),
            ("third", 0, None, "", 1, ""),
        ]
        migrate.downgrade(connection, "0001")
        assert (_rows(connection, OLD_MESSAGES), _rows(connection, OLD_SESSIONS)) == before
        migrate.upgrade(connection)

    await database.run_sync(downgrade_and_upgrade)
    async with database.unit_of_work() as work:
        assert [m.content for m in await work.messages.newest("second", 5)] == ["two", "x" * 100 + "y"]
    assert await database.check_integrity() == ()


@ON_BOTH_DATABASES
async def test_deleting_a_session_cascades_after_upgrade(database: Database) -> None:
    def remove(connection: Connection) -> None:
        migrate.downgrade(connection, "0001")
        _insert_in_first_schema(connection)
        migrate.upgrade(connection)
        connection.execute(text("DELETE FROM chat_sessions WHERE id = 'first'"))
        assert _rows(connection, "SELECT id FROM chat_messages ORDER BY id") == [(2,), (5,)]

    await database.run_sync(remove)


async def test_audit_rows_are_chained_again_after_downgrade(database: Database) -> None:
    async with database.unit_of_work() as work:
        for day in range(5):
            await work.audit.add(AuditEvent("anna", "update", "faq", str(day), at=NOW + timedelta(days=day)))
        assert await work.audit.remove_before(NOW + timedelta(days=2)) == 2

    def downgrade_and_upgrade(connection: Connection) -> None:
        migrate.downgrade(connection, "0001")
        migrate.upgrade(connection)

    await database.run_sync(downgrade_and_upgrade)
    async with database.unit_of_work() as work:
        await work.audit.add(AuditEvent("anna", "update", "faq"))
        assert len(await work.audit.newest()) == 4
    assert await first_broken_row(database) is None
    await execute_sql(database, "UPDATE audit_log SET username = 'eve' WHERE resource_id = '3'")
    assert await first_broken_row(database) is not None


@ON_BOTH_DATABASES
async def test_downgrade_keeps_a_long_conversation(database: Database) -> None:
    async with database.unit_of_work() as work:
        session = await work.sessions.begin(TELEGRAM, "42", "Иван")
    insert = "INSERT INTO chat_messages (id, session_id, turn_id, role, content, created_at, parent_id) VALUES "
    rows = [
        {"id": number, "session": session.id, "now": NOW, "parent": number - 1 if number > 1 else None}
        for number in range(1, 1202)
    ]

    def downgrade_and_upgrade(connection: Connection) -> None:
        connection.execute(text(insert + "(:id, :session, 't', 'user', 'x', :now, :parent)"), rows)
        migrate.downgrade(connection, "0001")
        assert _rows(connection, "SELECT count(*) FROM chat_messages") == [(1201,)]

    await database.run_sync(downgrade_and_upgrade)


async def test_downgrade_is_refused_with_queued_files(database: Database) -> None:
    async with database.unit_of_work() as work:
        await work.recordings.add(recording("a"))
        await work.recordings.remove(["a"])
    with pytest.raises(Conflict, match=r"recordings/a\.wav"):
        await database.run_sync(lambda connection: migrate.downgrade(connection, "0002"))
    async with database.unit_of_work() as work:
        assert await work.recordings.files_to_delete(10) == ("recordings/a.wav",)
        await work.recordings.remove_file_deletions(["recordings/a.wav"])
    await database.run_sync(lambda connection: migrate.downgrade(connection, "0002"))


_OLD_BOT = (
    "INSERT INTO bot_instances (id, name, enabled, sealed_token, api_url, allowed_users, welcome_message, "
    "unauthorized_message, error_message, language, route, persona_id, voice_id, answer_voice_with_voice, version, "
    "created_at, updated_at) VALUES ('shop', 'Магазин', true, 'v1.x', 'https://api.telegram.org', '[7]', 'Привет', '', "
    "'', 'ru', 'cloud:x', 'anna', '', true, 3, :now, :now)"
)
_OLD_WIDGET = (
    "INSERT INTO widget_instances (id, name, description, enabled, title, greeting, placeholder, primary_color, "
    "position, allowed_domains, tunnel_url, language, route, persona_id, system_prompt, voice_id, tts_preset, version, "
    "created_at, updated_at) VALUES ('site', 'Сайт', '', true, 'Чат', '', '', '#6366f1', 'left', '[]', '', 'ru', '', "
    "'', 'Кратко.', '', 'warm', 2, :now, :now)"
)
_UNCHANGED_COLUMNS = (
    "SELECT id, enabled, allowed_users, welcome_message, route, persona_id, version FROM bot_instances",
    "SELECT id, title, position, system_prompt, tts_preset, version FROM widget_instances",
    OLD_SESSIONS,
)


@ON_BOTH_DATABASES
async def test_new_columns_of_bots_and_widgets_are_empty(
    database: Database,
) -> None:
    def downgrade_and_upgrade(connection: Connection) -> None:
        migrate.downgrade(connection, "0003")
        _insert_in_first_schema(connection)
        for statement in (_OLD_BOT, _OLD_WIDGET):
            connection.execute(text(statement), {"now": NOW})
        before = [_rows(connection, query) for query in _UNCHANGED_COLUMNS]
        migrate.upgrade(connection, "0004")
        assert [_rows(connection, query) for query in _UNCHANGED_COLUMNS] == before
        connection.execute(text("UPDATE bot_instances SET system_prompt = 'Новое', typing_enabled = false"))
        connection.execute(text("UPDATE chat_sessions SET mode = 'brief'"))
        migrate.downgrade(connection, "0003")
        assert [_rows(connection, query) for query in _UNCHANGED_COLUMNS] == before
        migrate.upgrade(connection)

    await database.run_sync(downgrade_and_upgrade)
    async with database.unit_of_work() as work:
        (bot,), (widget,) = await work.bots.all(), await work.widgets.all()
        first = await work.sessions.get("first")
    assert (bot.system_prompt, bot.llm_params, bot.action_buttons) == ("", Sampling(), ())
    assert (bot.description, bot.tts_preset, bot.admin_users, bot.typing_enabled) == ("", "", (), True)
    assert (bot.allowed_users, bot.version, widget.system_prompt) == ((7,), 3, "Кратко.")
    assert (widget.llm_params, first and first.mode) == (Sampling(), "")
