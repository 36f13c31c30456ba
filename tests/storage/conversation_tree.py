"""Conversations whose messages form a tree: building, changing and checking them."""

from datetime import UTC, datetime, timedelta

from deployments.contracts.chat import Overrides
from deployments.contracts.sessions import StoredMessage, StoredSession
from storage.models import ChatMessageRow
from storage.unit_of_work import UnitOfWork
from tests.storage.records import PANEL, exchange

OPERATIONS = ("ask", "edit", "regenerate", "delete", "select", "expire", "report")


async def create_session(work: UnitOfWork) -> StoredSession:
    return await work.sessions.create(PANEL, "ann", "", Overrides())


async def add_question(work: UnitOfWork, session_id: str, content: str, parent_id: int | None) -> StoredMessage:
    return await work.messages.add(session_id, "user", content, parent_id=parent_id, turn_id="t")


async def add_answer(work: UnitOfWork, question: StoredMessage, content: str) -> StoredMessage:
    session_id, parent_id = question.session_id, question.id
    return await work.messages.add(session_id, "assistant", content, parent_id=parent_id, turn_id="t", route="local")


async def apply_operation(work: UnitOfWork, session_id: str, operation: str, choice: int) -> None:
    """Applies one of ``OPERATIONS`` to the message that ``choice`` selects."""
    session = await work.sessions.get(session_id)
    messages = await work.messages.all_of_session(session_id)
    assert session is not None
    if operation == "ask" or not messages:
        await add_answer(work, await add_question(work, session_id, f"q{choice}", session.leaf_id), f"a{choice}")
        return
    chosen = messages[choice % len(messages)]
    if operation == "edit":
        await add_question(work, session_id, f"edited {choice}", chosen.parent_id)
    elif operation == "regenerate":
        await add_answer(work, chosen, f"again {choice}")
    elif operation == "delete":
        await work.messages.remove(session_id, chosen.id)
    elif operation == "report":
        await work.messages.append(session_id, [exchange(f"{choice}-{number}") for number in range(choice % 3 + 1)])
    elif operation == "select":
        await work.messages.select_branch(session_id, chosen.id)
    else:
        await work.messages.remove_before(datetime.now(UTC) + timedelta(days=1), 1 + choice % 3)


def message_chain(first: StoredMessage, count: int, base: int) -> list[ChatMessageRow]:
    """Rows of ``count`` messages in a line, ``first`` included. Their ids start above ``base``, out of the way of
    sequences."""
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


async def assert_consistent(work: UnitOfWork, session_id: str) -> None:
    """Asserts that count, leaf, last message and branches of the session agree with its messages."""
    session = await work.sessions.get(session_id)
    assert session is not None
    messages = {message.id: message for message in await work.messages.all_of_session(session_id)}
    assert session.message_count == len(messages)
    parents = {message.parent_id for message in messages.values()}
    assert parents - {None} <= set(messages), "a parent is missing"
    if not messages:
        assert (session.leaf_id, session.last_message) == (None, "")
        return
    assert session.leaf_id in messages
    assert session.leaf_id not in parents, "the leaf has children"
    assert session.last_message == messages[session.leaf_id].content
    branch = await work.messages.branch(session.leaf_id)
    assert [message.parent_id for message in branch] == [None, *(message.id for message in branch[:-1])]
    branches = await work.messages.branches(session_id, 100)
    assert {each.leaf_id for each in branches} == set(messages) - parents
    assert [each.leaf_id for each in branches if each.in_view] == [session.leaf_id]
