"""Chat turns: what is stored, what is rejected, and failures."""

import asyncio
from dataclasses import replace

import pytest

from deployments.administration.chat.dialogue import instance_overrides
from deployments.administration.chat.running_turns import RunningTurn, RunningTurns
from deployments.administration.office.composition import OfficeServices
from deployments.contracts.chat import ChatMessage, GenerationOptions, Overrides, Route, SourceKind, TurnSource
from deployments.contracts.errors import (
    Conflict,
    EngineFailed,
    EngineTimeout,
    Forbidden,
    InvalidRequest,
    ModelNotFound,
    NotFound,
    Overloaded,
    RateLimited,
    SecretaryError,
    Unavailable,
)
from deployments.contracts.events import TextDelta, TurnFailed, TurnStarted
from deployments.contracts.instances import ActionButton, BotSpec, WidgetSpec
from deployments.contracts.reports import DoorReport
from deployments.contracts.sampling import Sampling
from deployments.contracts.sessions import StoredMessage, StoredSession
from deployments.contracts.snapshot import Snapshot
from tests.fakes.assistant import ScriptedAssistant, ScriptPause
from tests.unit.administration.chat_turns import ADMIN, ANN, BOB, NOTHING, OPERATOR, ask, message_texts, wait_exchange
from tests.unit.administration.conftest import exchange


@pytest.fixture
async def session_id(office: OfficeServices) -> str:
    return (await office.chat_sessions.create(ANN, ADMIN, "", NOTHING)).id


async def test_turn_is_stored_and_sent_with_the_next(office: OfficeServices, session_id: str) -> None:
    assistant = ScriptedAssistant()
    question, answer = await wait_exchange(await ask(office, assistant, session_id))
    assert (question.role, answer.role, answer.parent_id, answer.route) == ("user", "assistant", question.id, "local")
    await wait_exchange(await ask(office, assistant, session_id, "А завтра?"))
    assert await message_texts(office, session_id) == [
        ("user", "Привет"),
        ("assistant", "Добрый день. How are you?"),
        ("user", "А завтра?"),
        ("assistant", "Добрый день. How are you?"),
    ]
    turn = assistant.turns[1]
    assert turn.messages[-1] == ChatMessage("user", "А завтра?")
    assert len(turn.messages) == 3
    assert (turn.session_id, turn.source) == (session_id, ADMIN)


async def test_unstorable_characters_are_replaced(office: OfficeServices, session_id: str) -> None:
    question, answer = await wait_exchange(
        await ask(office, ScriptedAssistant(deltas=("Д\0", "а\ud800")), session_id, "?\0")
    )
    assert (question.content, answer.content) == ("?\ufffd", "Д\ufffdа\ufffd")
    assert (await office.chat_sessions.get(ANN, session_id)).title == "?\ufffd"


async def test_report_of_panel_turn_adds_no_messages(office: OfficeServices, session_id: str) -> None:
    assistant = ScriptedAssistant()
    await wait_exchange(await ask(office, assistant, session_id))
    again = exchange(
        turn_id=assistant.turns[0].turn_id,
        session_id=session_id,
        source_kind="admin",
        source_id="",
        question="Привет",
        answer="Добрый день. How are you?",
    )
    await office.report_ingest.accept(DoorReport(door="office", sequence=1, revision=1, exchanges=(again,)))
    assert len(await message_texts(office, session_id)) == 2


async def test_overrides_are_passed_in_order(office: OfficeServices) -> None:
    own = Overrides("Сессия", "anna", Route.parse("cloud:session"), GenerationOptions(temperature=0.1))
    session = await office.chat_sessions.create(ANN, ADMIN, "", own)
    assistant = ScriptedAssistant()
    request = Overrides("Запрос", None, Route.parse("local"), GenerationOptions(top_p=0.3))
    await wait_exchange(await office.dialogue.ask(assistant, ANN, session.id, "q", request))
    (turn,) = assistant.turns
    assert (turn.system_prompt, turn.route, turn.options) == ("Запрос", Route.parse("local"), request.options)
    assert turn.overrides == (own,)


async def test_refused_turn_stores_nothing(office: OfficeServices, session_id: str) -> None:
    for error in (ModelNotFound("no such route"), Unavailable("starting")):
        with pytest.raises(type(error)):
            await ask(office, ScriptedAssistant(rejection=error), session_id)
    assert await message_texts(office, session_id) == []


FAULTS = {
    "before the first word": ([EngineFailed("the model died")], EngineFailed),
    "after some words": ([TurnStarted("t"), TextDelta("Доб"), EngineFailed("the model died")], EngineFailed),
    "as an event": ([TurnStarted("t"), TextDelta("Доб"), TurnFailed("engine_failed", "died", True)], SecretaryError),
    "without an end": ([TurnStarted("t"), TextDelta("Доб")], EngineFailed),
    "without a word": ([TurnStarted("t")], EngineFailed),
    "with a bug": ([TurnStarted("t"), ZeroDivisionError()], SecretaryError),
}


async def test_failed_turn_keeps_only_the_question(office: OfficeServices) -> None:
    for fault, (script, expected) in FAULTS.items():
        session_id = (await office.chat_sessions.create(ANN, ADMIN, "", NOTHING)).id
        turn = await ask(office, ScriptedAssistant(script=list(script)), session_id)
        with pytest.raises(expected):
            await wait_exchange(turn)
        assert isinstance(turn.updates[-1], TurnFailed), fault
        assert await message_texts(office, session_id) == [("user", "Привет")], fault
        await wait_exchange(await ask(office, ScriptedAssistant(), session_id, "Ещё раз"))


async def test_turn_without_watchers_is_stored(office: OfficeServices, session_id: str) -> None:
    turn = await ask(office, ScriptedAssistant(script=None, deltas=("а", "б")), session_id)
    watcher = turn.watch()
    await anext(watcher)
    await watcher.aclose()  # type: ignore[attr-defined]
    await wait_exchange(turn)
    assert (await message_texts(office, session_id))[-1] == ("assistant", "аб")


async def test_watcher_gets_every_update(office: OfficeServices, session_id: str) -> None:
    turn = await ask(office, ScriptedAssistant(), session_id)

    async def watch() -> list[str]:
        return [type(update).__name__ async for update in turn.watch()]

    early = asyncio.create_task(watch())
    await wait_exchange(turn)
    expected = ["StoredMessage", "TextDelta", "TextDelta", "TextDelta", "StoredMessage", "TurnFinished"]
    assert await early == await watch() == expected


SLOW = [TurnStarted("t"), TextDelta("Добрый "), ScriptPause(60), TextDelta("день")]


async def test_second_turn_in_conversation_conflicts(office: OfficeServices, session_id: str) -> None:
    assistant = ScriptedAssistant(script=list(SLOW))
    turn = await ask(office, assistant, session_id)
    question = turn.updates[0]
    assert isinstance(question, StoredMessage)
    with pytest.raises(Conflict):
        await ask(office, assistant, session_id)
    with pytest.raises(Conflict):
        await office.chat_sessions.remove_message(ANN, session_id, question.id)
    with pytest.raises(Conflict):
        await office.chat_sessions.switch_branch(ANN, session_id, question.id)
    other = await office.chat_sessions.create(ANN, ADMIN, "", NOTHING)
    await wait_exchange(await ask(office, ScriptedAssistant(), other.id))


async def _wait_for_text(turn: RunningTurn) -> None:
    async for update in turn.watch():
        if isinstance(update, TextDelta):
            return


async def test_stop_keeps_the_partial_answer(office: OfficeServices, session_id: str) -> None:
    assistant = ScriptedAssistant(script=list(SLOW))
    turn = await ask(office, assistant, session_id)
    await _wait_for_text(turn)
    with pytest.raises(NotFound):
        await office.dialogue.stop(BOB, session_id)
    assert await office.dialogue.stop(ANN, session_id)
    _, answer = await wait_exchange(turn)
    assert (answer.content, answer.route) == ("Добрый ", "stopped")
    assert assistant.open_streams == 0
    assert not await office.dialogue.stop(ANN, session_id)


async def test_close_cancels_running_turns(office: OfficeServices, session_id: str) -> None:
    assistant = ScriptedAssistant(script=list(SLOW))
    turn = await ask(office, assistant, session_id)
    await _wait_for_text(turn)
    await office.running_turns.close()
    with pytest.raises(Unavailable):
        await wait_exchange(turn)
    assert (assistant.open_streams, assistant.closed_early) == (0, 1)
    assert await message_texts(office, session_id) == [("user", "Привет")]
    with pytest.raises(Unavailable):
        await ask(office, assistant, session_id)


async def test_delete_cancels_the_running_turn(office: OfficeServices, session_id: str) -> None:
    assistant = ScriptedAssistant(script=list(SLOW))
    turn = await ask(office, assistant, session_id)
    await _wait_for_text(turn)
    assert await office.chat_sessions.remove(ANN, (session_id,)) == 1
    with pytest.raises(Unavailable):
        await wait_exchange(turn)
    with pytest.raises(NotFound):
        await office.chat_sessions.get(ANN, session_id)
    assert assistant.open_streams == 0


async def test_turns_are_limited_in_number_and_time() -> None:
    turns = RunningTurns(max_turns=1, timeout_s=0.05)

    async def forever(turn: RunningTurn) -> None:
        await asyncio.sleep(60)

    first = turns.start("a", "ann", forever)
    with pytest.raises(Overloaded):
        turns.start("b", "bob", forever)
    with pytest.raises(EngineTimeout):
        await wait_exchange(first)
    turns.start("b", "bob", forever)
    await turns.close()


async def test_turns_are_limited_per_user() -> None:
    turns, released = RunningTurns(max_per_user=2), asyncio.Event()

    async def wait(turn: RunningTurn) -> None:
        await released.wait()

    first = [turns.start(session_id, "ann", wait) for session_id in "ab"]
    with pytest.raises(RateLimited) as caught:
        turns.start("c", "ann", wait)
    assert caught.value.retry_after_s == 2
    other = turns.start("c", "bob", wait)
    released.set()
    for turn in (*first, other):
        await turn.wait_ended()
    turns.start("d", "ann", wait)
    await turns.close()


async def test_edit_creates_a_branch(office: OfficeServices, session_id: str) -> None:
    assistant = ScriptedAssistant()
    first, _ = await wait_exchange(await ask(office, assistant, session_id, "раз"))
    old, _ = await wait_exchange(await ask(office, assistant, session_id, "два"))
    turn = await office.dialogue.edit(assistant, ANN, session_id, old.id, "два!", NOTHING)
    new, answer = await wait_exchange(turn)
    assert (new.parent_id, new.edited, answer.parent_id) == (old.parent_id, True, new.id)
    assert [content for _, content in await message_texts(office, session_id)][::2] == ["раз", "два!"]
    assert [message.content for message in assistant.turns[-1].messages][::2] == ["раз", "два!"]
    thread = await office.chat_sessions.switch_branch(ANN, session_id, old.id)
    assert [message.content for message in thread.messages][::2] == ["раз", "два"]
    assert thread.versions == {old.id: (old.id, new.id)}
    assert len(await office.chat_sessions.branches(ANN, session_id)) == 2
    await office.chat_sessions.switch_branch(ANN, session_id, first.id)
    assert (await office.chat_sessions.get(ANN, session_id)).leaf_id == answer.id


async def test_regenerate_creates_a_sibling_answer(office: OfficeServices, session_id: str) -> None:
    question, first = await wait_exchange(await ask(office, ScriptedAssistant(), session_id))
    for message_id in (question.id, first.id):
        turn = await office.dialogue.regenerate(
            ScriptedAssistant(deltas=("иначе",)), ANN, session_id, message_id, NOTHING
        )
        again, answer = await wait_exchange(turn)
        assert (again.id, answer.content, answer.parent_id) == (question.id, "иначе", question.id)
    session = await office.chat_sessions.get(ANN, session_id)
    assert session.message_count == 4
    assert await office.chat_sessions.remove_message(ANN, session_id, answer.id) == 1


async def test_edit_rejects_answers_and_foreign_messages(office: OfficeServices, session_id: str) -> None:
    _, answer = await wait_exchange(await ask(office, ScriptedAssistant(), session_id))
    with pytest.raises(InvalidRequest):
        await office.dialogue.edit(ScriptedAssistant(), ANN, session_id, answer.id, "x", NOTHING)
    other = await office.chat_sessions.create(ANN, ADMIN, "", NOTHING)
    for call in (
        office.dialogue.edit(ScriptedAssistant(), ANN, other.id, answer.id, "x", NOTHING),
        office.dialogue.regenerate(ScriptedAssistant(), ANN, other.id, answer.id, NOTHING),
        office.chat_sessions.remove_message(ANN, other.id, answer.id),
        office.chat_sessions.switch_branch(ANN, other.id, answer.id),
    ):
        with pytest.raises(NotFound):
            await call


async def test_viewer_cannot_access_foreign_conversation(office: OfficeServices, session_id: str) -> None:
    for call in (
        office.chat_sessions.get(BOB, session_id),
        office.chat_sessions.thread(BOB, session_id),
        office.chat_sessions.change(BOB, session_id, 1, title="x", edit=lambda old: old),
        office.chat_sessions.branches(BOB, session_id),
        office.chat_sessions.switch_branch(BOB, session_id, 1),
        office.chat_sessions.remove_message(BOB, session_id, 1),
        office.dialogue.ask(ScriptedAssistant(), BOB, session_id, "q", NOTHING),
        office.dialogue.edit(ScriptedAssistant(), BOB, session_id, 1, "q", NOTHING),
        office.dialogue.regenerate(ScriptedAssistant(), BOB, session_id, 1, NOTHING),
        office.dialogue.suggest_title(ScriptedAssistant(), BOB, session_id),
    ):
        with pytest.raises(NotFound):
            await call
    assert await office.chat_sessions.remove(BOB, (session_id,)) == 0
    assert (await office.chat_sessions.get(OPERATOR, session_id)).owner == "ann"
    with pytest.raises(Forbidden):
        await office.chat_sessions.create(BOB, TurnSource(SourceKind.TELEGRAM, "shop"), "", NOTHING)


async def test_panel_conversation_is_owned_by_its_user(office: OfficeServices) -> None:
    opened = await office.conversations.open(ADMIN, "ann")
    assert (await office.chat_sessions.get(ANN, opened.session_id)).owner == "ann"
    changed = replace(NOTHING, system_prompt="Коротко.")
    await office.chat_sessions.change(ANN, opened.session_id, 1, title=None, edit=lambda _: changed)
    assert (await office.conversations.open(ADMIN, "ann")).overrides == changed


def test_instance_overrides_of_bot_and_widget() -> None:
    button = ActionButton(id="brief", label="Кратко", system_prompt="Одним словом.")
    bot = BotSpec(id="shop", name="Магазин", route="cloud:x", persona_id="anna", action_buttons=(button,))
    widget = WidgetSpec(id="shop", name="Сайт", llm_params=Sampling(temperature=0.1))
    snapshot = Snapshot(bots=(bot,), widgets=(widget,))

    def overrides(kind: SourceKind, instance_id: str, mode: str = "") -> tuple[Overrides, ...]:
        return instance_overrides(snapshot, StoredSession("s", TurnSource(kind, instance_id), mode=mode))

    own = Overrides(persona_id="anna", route=Route.parse("cloud:x"))
    assert overrides(SourceKind.TELEGRAM, "shop") == (own,)
    assert overrides(SourceKind.TELEGRAM, "shop", "brief") == (Overrides("Одним словом."), own)
    assert overrides(SourceKind.TELEGRAM, "other") == ()
    assert overrides(SourceKind.WIDGET, "shop") == (Overrides(options=GenerationOptions(temperature=0.1)),)
    assert overrides(SourceKind.ADMIN, "shop") == ()


async def test_change_requires_current_version(office: OfficeServices, session_id: str) -> None:
    changed = await office.chat_sessions.change(ANN, session_id, 1, title="a", edit=lambda old: old)
    assert changed.version == 2
    with pytest.raises(Conflict):
        await office.chat_sessions.change(ANN, session_id, 1, title="b", edit=lambda old: old)
    with pytest.raises(InvalidRequest):
        await office.chat_sessions.change(ANN, session_id, 2, title="b", edit=lambda _: Overrides(persona_id="nobody"))
    assert (await office.chat_sessions.get(ANN, session_id)).title == "a"


async def test_late_report_restores_no_deleted_text(office: OfficeServices) -> None:
    opened = await office.conversations.open(TurnSource(SourceKind.TELEGRAM, "shop"), "42")
    await office.chat_sessions.remove(OPERATOR, (opened.session_id,))
    late = exchange(session_id=opened.session_id)
    await office.report_ingest.accept(DoorReport(door="bot", sequence=1, revision=1, exchanges=(late,)))
    async with office.database.unit_of_work() as work:
        (stored,) = await work.exchanges.newest()
    assert (stored.turn_id, stored.question, stored.answer) == (late.turn_id, "", "")
