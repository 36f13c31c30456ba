"""Titles of conversations: from the first question, and suggested by the model."""

import asyncio

import pytest

from deployments.administration.chat.titles import MAX_TITLE_LENGTH, title_from_question
from deployments.administration.office.composition import OfficeServices
from deployments.contracts.errors import (
    Conflict,
    InvalidRequest,
    Unavailable,
)
from deployments.contracts.events import FallbackGiven, TextDelta, TurnFinished, TurnStarted
from deployments.contracts.sessions import StoredSession
from tests.fakes.assistant import ScriptedAssistant
from tests.unit.administration.chat_turns import ADMIN, ANN, NOTHING, OPERATOR, ask, wait_exchange
from tests.unit.administration.conftest import audited
from tests.waiting import wait_until


@pytest.fixture
async def session_id(office: OfficeServices) -> str:
    return (await office.chat_sessions.create(ANN, ADMIN, "", NOTHING)).id


async def test_first_question_becomes_the_title(office: OfficeServices, session_id: str) -> None:
    await wait_exchange(await ask(office, ScriptedAssistant(), session_id, "Сколько стоит ёлка? И доставка?"))
    await wait_exchange(await ask(office, ScriptedAssistant(), session_id, "Другое"))
    assert (await office.chat_sessions.get(ANN, session_id)).title == "Сколько стоит ёлка?"
    named = await office.chat_sessions.create(ANN, ADMIN, "Моё", NOTHING)
    await wait_exchange(await ask(office, ScriptedAssistant(), named.id))
    assert (await office.chat_sessions.get(ANN, named.id)).title == "Моё"


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Привет", "Привет"),
        ("  Добрый   день.\nКак дела?", "Добрый день."),
        ("v1.2 вышла? да", "v1.2 вышла?"),
        ("слово " * 30, f"{'слово ' * 9}слово…"),
        ("ы" * 100, f"{'ы' * 59}…"),
        ("", ""),
    ],
)
def test_title_is_first_sentence_cut_at_word(question: str, title: str) -> None:
    assert title_from_question(question) == title
    assert len(title) <= MAX_TITLE_LENGTH


async def test_suggested_title_is_stored(office: OfficeServices, session_id: str) -> None:
    with pytest.raises(InvalidRequest):
        await office.dialogue.suggest_title(ScriptedAssistant(), ANN, session_id)
    await wait_exchange(await ask(office, ScriptedAssistant(), session_id, "Сколько стоит ёлка?"))
    assistant = ScriptedAssistant(deltas=('"Цена ', 'ёлки".', "\nмного слов"))
    assert (await office.dialogue.suggest_title(assistant, ANN, session_id)).title == "Цена ёлки"
    assert assistant.turns[0].session_id is None
    fallback = [TurnStarted("t"), FallbackGiven("ru", "ru"), TextDelta("Извините."), TurnFinished()]
    for broken in (
        ScriptedAssistant(deltas=("  ",)),
        ScriptedAssistant(rejection=Unavailable("no")),
        ScriptedAssistant(script=fallback),
    ):
        with pytest.raises(Unavailable):
            await office.dialogue.suggest_title(broken, ANN, session_id)
    assert (await office.chat_sessions.get(ANN, session_id)).title == "Цена ёлки"


def blocked_assistant() -> tuple[ScriptedAssistant, asyncio.Event]:
    """An assistant that answers once the event is set."""
    released = asyncio.Event()
    script = [TurnStarted("t"), released, TextDelta("Цена ёлки"), TurnFinished(route="local")]
    return ScriptedAssistant(script=script), released


async def _start_title(
    office: OfficeServices, session_id: str, assistant: ScriptedAssistant
) -> asyncio.Task[StoredSession]:
    """Starts a title request and returns once the assistant is asked."""
    await wait_exchange(await ask(office, ScriptedAssistant(), session_id, "Сколько стоит ёлка?"))
    request = asyncio.create_task(office.dialogue.suggest_title(assistant, ANN, session_id))
    await wait_until(lambda: assistant.open_streams, 5)
    return request


async def test_stopped_title_keeps_the_old_one(office: OfficeServices, session_id: str) -> None:
    slow, _ = blocked_assistant()
    request = await _start_title(office, session_id, slow)
    assert await office.dialogue.stop(ANN, session_id)
    with pytest.raises(Unavailable):
        await request
    kept = await office.chat_sessions.get(ANN, session_id)
    assert (kept.title, kept.version) == ("Сколько стоит ёлка?", 1)
    assert slow.open_streams == 0


async def test_title_conflicts_with_concurrent_change(office: OfficeServices, session_id: str) -> None:
    slow, released = blocked_assistant()
    request = await _start_title(office, session_id, slow)
    await office.chat_sessions.change(OPERATOR, session_id, 1, title="Жалоба 17", edit=lambda old: old)
    released.set()
    with pytest.raises(Conflict):
        await request
    assert (await office.chat_sessions.get(ANN, session_id)).title == "Жалоба 17"
    assert (await audited(office))[0] == ("olga", "update", "chat")
    await office.dialogue.suggest_title(ScriptedAssistant(deltas=("Цена ёлки",)), ANN, session_id)
    assert (await audited(office))[0] == ("ann", "update", "chat")
