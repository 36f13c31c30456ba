"""The tree of messages: whatever is asked, edited, deleted or asked again, the conversation's row tells the truth."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.contracts.chat import GenerationOptions, Overrides, Route, SourceKind, TurnSource
from deployments.contracts.sessions import StoredMessage, StoredSession
from deployments.contracts.settings import Exchange, Settings
from storage.database import Database
from storage.models import ChatMessageRow
from storage.repositories.audit import AuditEvent
from storage.repositories.sessions import SessionFilter
from storage.unit_of_work import UnitOfWork

ADMIN = TurnSource(SourceKind.ADMIN)
TELEGRAM = TurnSource(SourceKind.TELEGRAM, "shop")
LONG = 1_500
"""More than SQLite cascades through."""

operations = st.lists(
    st.tuples(st.sampled_from(("ask", "edit", "again", "delete", "view", "expire", "report")), st.integers(0, 1_000)),
    max_size=12,
)


async def created(work: UnitOfWork, owner: str = "ann", title: str = "") -> StoredSession:
    return await work.sessions.create(ADMIN, owner, title, Overrides())


async def asked(work: UnitOfWork, session_id: str, content: str, parent_id: int | None) -> StoredMessage:
    return await work.messages.add(session_id, "user", content, parent_id=parent_id, turn_id="t")


async def answered(work: UnitOfWork, question: StoredMessage, content: str) -> StoredMessage:
    session_id, parent_id = question.session_id, question.id
    return await work.messages.add(session_id, "assistant", content, parent_id=parent_id, turn_id="t", route="local")


async def apply(work: UnitOfWork, session_id: str, operation: str, choice: int) -> None:
    session = await work.sessions.get(session_id)
    everything = await work.messages.all_of_session(session_id)
    assert session is not None
    if operation == "ask" or not everything:
        await answered(work, await asked(work, session_id, f"q{choice}", session.leaf_id), f"a{choice}")
        return
    chosen = everything[choice % len(everything)]
    if operation == "edit":
        await asked(work, session_id, f"edited {choice}", chosen.parent_id)
    elif operation == "again":
        await answered(work, chosen, f"again {choice}")
    elif operation == "delete":
        await work.messages.remove(session_id, chosen.id)
    elif operation == "report":
        await work.messages.append(session_id, [reported(f"{choice}-{number}") for number in range(choice % 3 + 1)])
    elif operation == "view":
        await work.messages.select_branch(session_id, chosen.id)
    else:
        await work.messages.remove_before(datetime.now(UTC) + timedelta(days=1), 1 + choice % 3)


def reported(turn_id: str) -> Exchange:
    return Exchange(
        turn_id=turn_id,
        source_kind="telegram",
        source_id="shop",
        question=f"q {turn_id}",
        answer=f"a {turn_id}",
        route="faq:1",
        created_at=datetime.now(UTC),
    )


def follow(first: StoredMessage, count: int, base: int) -> list[ChatMessageRow]:
    """A chain of messages after ``first``, ``count`` with it, quicker than one by one. Their ids lie above ``base``,
    where no sequence comes."""
    return [
        ChatMessageRow(
            id=base + number,
            session_id=first.session_id,
            parent_id=first.id if number == 1 else base + number - 1,
            turn_id="t",
            role="user",
            content=f"m{number}",
            created_at=first.created_at,
        )
        for number in range(1, count)
    ]


async def check(work: UnitOfWork, session_id: str) -> None:
    session = await work.sessions.get(session_id)
    assert session is not None
    stored = {message.id: message for message in await work.messages.all_of_session(session_id)}
    assert session.message_count == len(stored)
    parents = {message.parent_id for message in stored.values()}
    assert parents - {None} <= set(stored), "an orphan"
    if not stored:
        assert (session.leaf_id, session.last_message) == (None, "")
        return
    assert session.leaf_id in stored
    assert session.leaf_id not in parents, "something follows the leaf"
    assert session.last_message == stored[session.leaf_id].content
    path = await work.messages.branch(session.leaf_id)
    assert [message.parent_id for message in path] == [None, *(message.id for message in path[:-1])]
    branches = await work.messages.branches(session_id, 100)
    assert {branch.leaf_id for branch in branches} == set(stored) - parents
    assert [branch.leaf_id for branch in branches if branch.in_view] == [session.leaf_id]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations)
async def test_count_leaf_and_tree_agree_after_anything(database: Database, wanted: list[tuple[str, int]]) -> None:
    async with database.unit_of_work() as work:
        session_id = (await created(work)).id
        for operation, choice in wanted:
            await apply(work, session_id, operation, choice)
            await check(work, session_id)
        assert await work.sessions.remove([session_id]) == 1
        assert await work.messages.all_of_session(session_id) == ()


async def test_what_is_deleted_out_of_view_changes_no_view(database: Database) -> None:
    async with database.unit_of_work() as work:
        session_id = (await created(work)).id
        old = await asked(work, session_id, "old", None)
        new = await asked(work, session_id, "new", None)
        assert await work.messages.remove(session_id, old.id) == 1
        session = await work.sessions.get(session_id)
        assert session is not None
        assert (session.leaf_id, session.last_message, session.message_count) == (new.id, "new", 1)


async def test_a_deleted_version_gives_way_to_the_one_beside_it(database: Database) -> None:
    async with database.unit_of_work() as work:
        session_id = (await created(work)).id
        question = await asked(work, session_id, "q", None)
        first = await answered(work, question, "first")
        second = await answered(work, question, "second")
        assert await work.messages.child_ids(session_id, question.id) == (first.id, second.id)
        await work.messages.remove(session_id, second.id)
        assert [m.content for m in await work.messages.branch(first.id)] == ["q", "first"]
        assert [m.content for m in await work.messages.newest(session_id, 10)] == ["q", "first"]
        third = await work.messages.add(session_id, "user", "more", parent_id=first.id, turn_id="u")
        assert await work.messages.turn_ids(question.id) == ("t", "u")
        assert await work.messages.turn_ids(third.id) == ("u",)


async def test_long_conversations_can_be_read_cut_and_deleted(database: Database) -> None:
    async with database.unit_of_work() as work:
        one, other = await created(work), await created(work)
        for base, session in ((100_000, one), (200_000, other)):
            first = await asked(work, session.id, "m0", None)
            work.messages._session.add_all(follow(first, LONG, base))
            await work.messages._session.flush()
            await work.messages.select_branch(session.id, first.id)
    async with database.unit_of_work() as work:
        messages = await work.messages.all_of_session(one.id)
        assert len(await work.messages.branch(messages[-1].id)) == LONG
        assert [m.content for m in await work.messages.branch(messages[-1].id, 2)] == [f"m{LONG - 2}", f"m{LONG - 1}"]
        assert await work.messages.remove(one.id, messages[1].id) == LONG - 1
        owner = await work.messages._locked(one.id)
        owner.message_count = 1
        await check(work, one.id)
        assert await work.sessions.remove([one.id, other.id]) == 2
    assert await database.check_integrity() == ()


async def test_a_turn_that_somebody_else_stores_is_not_stored_twice(database: Database) -> None:
    exchange = reported("turn-7")
    async with database.unit_of_work() as work:
        session = await work.sessions.begin(TELEGRAM, "42", "Иван")
        await work.messages.append(session.id, (exchange, exchange))
        await work.messages.append(session.id, (exchange,))
        assert [(m.content, m.route) for m in await work.messages.all_of_session(session.id)] == [
            ("q turn-7", ""),
            ("a turn-7", "faq:1"),
        ]
        await check(work, session.id)


async def test_what_people_set_comes_back_and_raises_the_version_alone(database: Database) -> None:
    options = GenerationOptions(temperature=0.0, max_tokens=64, top_p=0.5, repetition_penalty=1.2)
    overrides = Overrides("Говори кратко.", "anna", Route.parse("cloud:x"), options)
    async with database.unit_of_work() as work:
        session = await created(work)
        changed = await work.sessions.change(session.id, "Ёлка", overrides)
        assert (changed.overrides, changed.title, changed.version) == (overrides, "Ёлка", 2)
        await asked(work, session.id, "q", None)
        await work.sessions.set_title_if_empty(session.id, "нет")
        again = await work.sessions.get(session.id)
        assert again is not None
        assert (again.overrides, again.title, again.version) == (overrides, "Ёлка", 2)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (SessionFilter(), 4),
        (SessionFilter(source="telegram"), 1),
        (SessionFilter(source="admin", source_id=""), 3),
        (SessionFilter(owner="ann"), 2),
        (SessionFilter(owner="nobody"), 0),
        (SessionFilter(title="ЕЛКА"), 1),
        (SessionFilter(title="100%"), 1),
        (SessionFilter(title="ёлка заказ"), 1),
        (SessionFilter(title="ёлка bob"), 0),
    ],
)
async def test_a_list_is_filtered_and_searched(database: Database, wanted: SessionFilter, expected: int) -> None:
    async with database.unit_of_work() as work:
        await created(work, "ann", "Заказ: Ёлка")
        await created(work, "ann", "100% скидка")
        await created(work, "bob", "Иное")
        await work.sessions.begin(TELEGRAM, "42", "")
        found, total = await work.sessions.page(wanted, 100, 0)
        assert (len(found), total) == (expected, expected)
        assert (await work.sessions.page(wanted, 1, 1))[1] == expected


async def test_the_last_used_comes_first(database: Database) -> None:
    async with database.unit_of_work() as work:
        first, second = await created(work), await created(work)
        await asked(work, first.id, "q", None)
        found, _ = await work.sessions.page(SessionFilter(), 10, 0)
    assert [session.id for session in found] == [first.id, second.id]


async def test_what_was_read_before_a_deletion_can_be_read_and_written_after_it(database: Database) -> None:
    async with database.unit_of_work() as work:
        await work.settings.save(Settings(default_language="en"), 1)
        session_id = (await created(work)).id
        question = await asked(work, session_id, "q", None)
        await work.audit.add(AuditEvent("ann", "ask", "chat"))
        await work.messages.remove(session_id, question.id)
        assert (await work.settings.get()).default_language == "en"
        assert await work.settings.last_changed_revision() == 1
        await work.audit.add(AuditEvent("ann", "delete", "chat"))
    async with database.unit_of_work() as work:
        assert await work.audit.verify_chain() is None
