from datetime import UTC, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import JSON, Column, Connection, inspect, text

from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.errors import Conflict
from deployments.contracts.sampling import Sampling
from storage import migrate
from storage.database import Database
from storage.models import Base
from storage.repositories.audit import AuditEvent
from storage.repositories.recordings import StoredRecording


def _default_differs(*compared: object) -> bool | None:
    """PostgreSQL cannot compare JSON, and writes its type behind a default: such ones are compared as texts."""
    context, _, column, found, _, wanted = compared
    assert isinstance(context, MigrationContext)
    assert isinstance(column, Column)
    if context.dialect.name != "postgresql" or not isinstance(column.type, JSON):
        return None
    return str(found).partition("::")[0] != str(wanted) if found or wanted else False


async def test_the_migrations_build_what_the_models_say(database: Database) -> None:
    differences: list[object] = []

    def compare(connection: Connection) -> None:
        options = {"compare_type": True, "compare_server_default": _default_differs}
        context = MigrationContext.configure(connection, opts=options)
        differences.extend(compare_metadata(context, Base.metadata))

    await database.run_sync(compare)
    assert differences == []


async def test_up_and_down_and_up_again(database: Database) -> None:
    tables: list[set[str]] = []

    def travel(connection: Connection) -> None:
        migrate.downgrade(connection, "base")
        tables.append(set(inspect(connection).get_table_names()))
        migrate.upgrade(connection)
        tables.append(set(inspect(connection).get_table_names()))

    await database.run_sync(travel)
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

    await database.run_sync(age)
    async with database.unit_of_work() as work:
        llm = (await work.settings.get()).llm
    assert (llm.temperature, llm.history_tokens) == (0.3, 2_000)


async def test_opening_again_keeps_what_is_stored(url: str) -> None:
    for expected in (1, 2, 3):
        database = Database(url)
        await database.open()
        async with database.unit_of_work() as work:
            assert await work.revisions.next() == expected
        await database.close()


async def test_a_migration_that_fails_leaves_the_schema_as_it_was(url: str) -> None:
    database = Database(url)
    await database.open()
    tables: list[str] = []

    def fail_half_way(connection: Connection) -> None:
        migrate.downgrade(connection, "base")
        raise RuntimeError("power cut")

    def look(connection: Connection) -> None:
        tables.extend(inspect(connection).get_table_names())

    try:
        await database.run_sync(fail_half_way)
    except RuntimeError:
        await database.run_sync(look)
    await database.close()
    assert "faq_entries" in tables


def _as_the_first_version_wrote_it(connection: Connection) -> None:
    """Two conversations whose messages lie between each other, and one that nobody said anything in."""
    insert = "INSERT INTO chat_sessions (id, source, source_id, person, display_name, created_at, updated_at) VALUES "
    for name in ("first", "second", "silent"):
        values = f"('{name}', 'telegram', 'shop', '{name}', 'Иван', :now, :now)"
        connection.execute(text(insert + values), {"now": NOW})
    said = "INSERT INTO chat_messages (id, session_id, turn_id, role, content, created_at) VALUES "
    for number, (session, content) in enumerate(SAID, start=1):
        values = {"id": number, "session": session, "content": content, "now": NOW}
        connection.execute(text(said + "(:id, :session, 't', 'user', :content, :now)"), values)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT setval('chat_messages_id_seq', 100)"))


def _rows(connection: Connection, query: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(text(query))]


NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SAID = (("first", "раз"), ("second", "two"), ("first", "я" * 300), ("first", "четыре"), ("second", "x" * 100 + "y"))
OLD_MESSAGES = "SELECT id, session_id, turn_id, role, content, created_at FROM chat_messages ORDER BY id"
OLD_SESSIONS = "SELECT id, source, source_id, person, display_name, created_at, ended_at FROM chat_sessions ORDER BY id"


async def test_conversations_of_the_first_version_are_strung_together_and_survive_the_way_back(
    database: Database,
) -> None:
    def travel(connection: Connection) -> None:
        migrate.downgrade(connection, "0001")
        _as_the_first_version_wrote_it(connection)
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
            ("silent", 0, None, "", 1, ""),
        ]
        migrate.downgrade(connection, "0001")
        assert (_rows(connection, OLD_MESSAGES), _rows(connection, OLD_SESSIONS)) == before
        migrate.upgrade(connection)

    await database.run_sync(travel)
    async with database.unit_of_work() as work:
        assert [m.content for m in await work.messages.newest("second", 5)] == ["two", "x" * 100 + "y"]
    assert await database.check_integrity() == ()


async def test_a_removed_conversation_takes_its_messages_along_after_the_migration(database: Database) -> None:
    def remove(connection: Connection) -> None:
        migrate.downgrade(connection, "0001")
        _as_the_first_version_wrote_it(connection)
        migrate.upgrade(connection)
        connection.execute(text("DELETE FROM chat_sessions WHERE id = 'first'"))
        assert _rows(connection, "SELECT id FROM chat_messages ORDER BY id") == [(2,), (5,)]

    await database.run_sync(remove)


async def test_the_trail_is_chained_anew_after_the_way_back(database: Database) -> None:
    async with database.unit_of_work() as work:
        for day in range(5):
            await work.audit.add(AuditEvent("anna", "update", "faq", str(day), at=NOW + timedelta(days=day)))
        assert await work.audit.remove_before(NOW + timedelta(days=2)) == 2

    def travel(connection: Connection) -> None:
        migrate.downgrade(connection, "0001")
        migrate.upgrade(connection)

    await database.run_sync(travel)
    async with database.unit_of_work() as work:
        await work.audit.add(AuditEvent("anna", "update", "faq"))
        assert await work.audit.verify_chain() is None
        assert len(await work.audit.newest()) == 4
        await work.audit._session.execute(text("UPDATE audit_log SET username = 'eve' WHERE resource_id = '3'"))
        assert await work.audit.verify_chain() is not None


async def test_a_long_conversation_survives_the_way_back(database: Database) -> None:
    async with database.unit_of_work() as work:
        session = await work.sessions.begin(TurnSource(SourceKind.TELEGRAM, "shop"), "42", "Иван")
    insert = "INSERT INTO chat_messages (id, session_id, turn_id, role, content, created_at, parent_id) VALUES "
    links = [
        {"id": number, "session": session.id, "now": NOW, "parent": number - 1 if number > 1 else None}
        for number in range(1, 1202)
    ]

    def travel(connection: Connection) -> None:
        connection.execute(text(insert + "(:id, :session, 't', 'user', 'x', :now, :parent)"), links)
        migrate.downgrade(connection, "0001")
        assert _rows(connection, "SELECT count(*) FROM chat_messages") == [(1201,)]

    await database.run_sync(travel)


async def test_there_is_no_way_back_while_files_are_to_be_deleted(database: Database) -> None:
    async with database.unit_of_work() as work:
        await work.recordings.add(StoredRecording("a", "phone", "recordings/a.wav", "audio/wav", 1.0, 4))
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
_OLD_COLUMNS = (
    "SELECT id, enabled, allowed_users, welcome_message, route, persona_id, version FROM bot_instances",
    "SELECT id, title, position, system_prompt, tts_preset, version FROM widget_instances",
    OLD_SESSIONS,
)


async def test_bots_and_widgets_of_an_older_version_say_nothing_new_and_survive_the_way_back(
    database: Database,
) -> None:
    def travel(connection: Connection) -> None:
        migrate.downgrade(connection, "0003")
        _as_the_first_version_wrote_it(connection)
        for statement in (_OLD_BOT, _OLD_WIDGET):
            connection.execute(text(statement), {"now": NOW})
        before = [_rows(connection, query) for query in _OLD_COLUMNS]
        migrate.upgrade(connection, "0004")
        assert [_rows(connection, query) for query in _OLD_COLUMNS] == before
        connection.execute(text("UPDATE bot_instances SET system_prompt = 'Новое', typing_enabled = false"))
        connection.execute(text("UPDATE chat_sessions SET mode = 'brief'"))
        migrate.downgrade(connection, "0003")
        assert [_rows(connection, query) for query in _OLD_COLUMNS] == before
        migrate.upgrade(connection)

    await database.run_sync(travel)
    async with database.unit_of_work() as work:
        (bot,), (widget,) = await work.bots.all(), await work.widgets.all()
        first = await work.sessions.get("first")
    assert (bot.system_prompt, bot.llm_params, bot.action_buttons) == ("", Sampling(), ())
    assert (bot.description, bot.tts_preset, bot.admin_users, bot.typing_enabled) == ("", "", (), True)
    assert (bot.allowed_users, bot.version, widget.system_prompt) == ((7,), 3, "Кратко.")
    assert (widget.llm_params, first and first.mode) == (Sampling(), "")
