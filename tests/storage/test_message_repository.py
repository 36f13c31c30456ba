import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.contracts.chat import ChatMessage, GenerationOptions, Overrides, Route
from deployments.contracts.settings import Settings
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.repositories.session_filter import SessionFilter
from tests.storage.audit_rows import first_broken_row
from tests.storage.conversation_tree import (
    OPERATIONS,
    add_answer,
    add_question,
    apply_operation,
    assert_consistent,
    create_session,
    message_chain,
)
from tests.storage.database_urls import ON_BOTH_DATABASES
from tests.storage.records import TELEGRAM, exchange

LONG = 1_050
"""More messages than SQLite's cascade depth."""

_operations = st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 1_000)), max_size=12)


async def _check_operations(database: Database, operations: list[tuple[str, int]]) -> None:
    async with database.unit_of_work() as work:
        session_id = (await create_session(work)).id
        for operation, choice in operations:
            await apply_operation(work, session_id, operation, choice)
            await assert_consistent(work, session_id)
        assert await work.sessions.remove([session_id]) == 1
        assert await work.messages.all_of_session(session_id) == ()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_operations)
async def test_tree_is_consistent_after_any_operations(
    sqlite_database: Database, operations: list[tuple[str, int]]
) -> None:
    await _check_operations(sqlite_database, operations)


@pytest.mark.long
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_operations)
async def test_tree_is_consistent_on_both_databases(database: Database, operations: list[tuple[str, int]]) -> None:
    await _check_operations(database, operations)


@ON_BOTH_DATABASES
async def test_tree_is_consistent_after_each_operation(database: Database) -> None:
    await _check_operations(database, [("ask", 0), ("ask", 1), *((each, 2) for each in OPERATIONS), ("report", 1)])


async def test_remove_outside_the_branch_keeps_the_selection(database: Database) -> None:
    async with database.unit_of_work() as work:
        session_id = (await create_session(work)).id
        old = await add_question(work, session_id, "old", None)
        new = await add_question(work, session_id, "new", None)
        assert await work.messages.remove(session_id, old.id) == 1
        session = await work.sessions.get(session_id)
    assert session is not None
    assert (session.leaf_id, session.last_message, session.message_count) == (new.id, "new", 1)


@ON_BOTH_DATABASES
async def test_remove_selects_the_sibling(database: Database) -> None:
    async with database.unit_of_work() as work:
        session_id = (await create_session(work)).id
        question = await add_question(work, session_id, "q", None)
        first = await add_answer(work, question, "first")
        second = await add_answer(work, question, "second")
        assert await work.messages.child_ids(session_id, question.id) == (first.id, second.id)
        await work.messages.remove(session_id, second.id)
        assert [m.content for m in await work.messages.branch(first.id)] == ["q", "first"]
        assert [m.content for m in await work.messages.newest(session_id, 10)] == ["q", "first"]
        third = await work.messages.add(session_id, "user", "more", parent_id=first.id, turn_id="u")
        assert await work.messages.turn_ids(question.id) == ("t", "u")
        assert await work.messages.turn_ids(third.id) == ("u",)


@ON_BOTH_DATABASES
async def test_long_conversation_is_read_cut_and_removed(database: Database) -> None:
    async with database.unit_of_work() as work:
        one, other = await create_session(work), await create_session(work)
        for base, session in ((100_000, one), (200_000, other)):
            first = await add_question(work, session.id, "m0", None)
            work.messages._session.add_all(message_chain(first, LONG, base))
            await work.messages._session.flush()
            await work.messages.select_branch(session.id, first.id)
    async with database.unit_of_work() as work:
        messages = await work.messages.all_of_session(one.id)
        assert len(await work.messages.branch(messages[-1].id)) == LONG
        assert [m.content for m in await work.messages.branch(messages[-1].id, 2)] == [f"m{LONG - 2}", f"m{LONG - 1}"]
        assert await work.messages.remove(one.id, messages[1].id) == LONG - 1
        owner = await work.messages._locked(one.id)
        owner.message_count = 1
        await assert_consistent(work, one.id)
        assert await work.sessions.remove([one.id, other.id]) == 2
    assert await database.check_integrity() == ()


async def test_message_belongs_to_one_session(database: Database) -> None:
    async with database.unit_of_work() as work:
        session = await work.sessions.begin(TELEGRAM, "42", "Иван")
        stored = await work.messages.add(session.id, "user", "Ёлка?", parent_id=None, turn_id="t")
        assert await work.messages.get(session.id, stored.id) == stored
        assert await work.messages.get("another", stored.id) is None


@ON_BOTH_DATABASES
async def test_append_adds_exchanges_in_order_and_once(database: Database) -> None:
    exchanges = [exchange(str(number), answer=f"Ответ {number}") for number in range(3)]
    async with database.unit_of_work() as work:
        session_id = (await work.sessions.begin(TELEGRAM, "42", "Иван")).id
        await work.messages.append(session_id, [exchanges[0], exchanges[0]])
        await work.messages.append(session_id, exchanges)
        assert await work.messages.newest(session_id, 3) == (
            ChatMessage("assistant", "Ответ 1"),
            ChatMessage("user", "Вы открыты?"),
            ChatMessage("assistant", "Ответ 2"),
        )
        routes = [message.route for message in await work.messages.all_of_session(session_id)]
        assert routes == ["", "local", "", "local", "", "local"]
        await assert_consistent(work, session_id)


async def test_append_without_answer_adds_the_question(database: Database) -> None:
    async with database.unit_of_work() as work:
        session_id = (await work.sessions.begin(TELEGRAM, "42", "")).id
        await work.messages.append(session_id, [exchange("1", session_id, "")])
        assert [message.role for message in await work.messages.newest(session_id, 10)] == ["user"]


async def test_session_change_increases_the_version(database: Database) -> None:
    options = GenerationOptions(temperature=0.0, max_tokens=64, top_p=0.5, repetition_penalty=1.2)
    overrides = Overrides("Говори кратко.", "anna", Route.parse("cloud:x"), options)
    async with database.unit_of_work() as work:
        session = await create_session(work)
        changed = await work.sessions.change(session.id, "Ёлка", overrides)
        assert (changed.overrides, changed.title, changed.version) == (overrides, "Ёлка", 2)
        await add_question(work, session.id, "q", None)
        await work.sessions.set_title_if_empty(session.id, "нет")
        stored = await work.sessions.get(session.id)
    assert stored is not None
    assert (stored.overrides, stored.title, stored.version) == (overrides, "Ёлка", 2)


async def test_session_with_a_new_message_comes_first(database: Database) -> None:
    async with database.unit_of_work() as work:
        first, second = await create_session(work), await create_session(work)
        await add_question(work, first.id, "q", None)
        found, _ = await work.sessions.page(SessionFilter(), 10, 0)
    assert [session.id for session in found] == [first.id, second.id]


async def test_cached_rows_stay_usable_after_remove(database: Database) -> None:
    async with database.unit_of_work() as work:
        await work.settings.save(Settings(default_language="en"), 1)
        session_id = (await create_session(work)).id
        question = await add_question(work, session_id, "q", None)
        await work.audit.add(AuditEvent("ann", "ask", "chat"))
        await work.messages.remove(session_id, question.id)
        assert (await work.settings.get()).default_language == "en"
        assert await work.settings.last_changed_revision() == 1
        await work.audit.add(AuditEvent("ann", "delete", "chat"))
    assert await first_broken_row(database) is None
