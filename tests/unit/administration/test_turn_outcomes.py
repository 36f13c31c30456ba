"""What a conversation keeps of a turn: the table in ``contracts.sessions``."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from deployments.administration.chat.running_turns import RunningTurn
from deployments.administration.office.composition import OfficeServices
from deployments.contracts.chat import ChatMessage, Overrides, SourceKind, TurnSource
from deployments.contracts.errors import EngineFailed, SecretaryError
from deployments.contracts.events import TextDelta, TurnFailed, TurnFinished, TurnStarted
from deployments.contracts.exchange import Exchange
from deployments.contracts.identity import Identity, Role
from deployments.contracts.reports import DoorReport
from deployments.contracts.sessions import STOPPED_ROUTE, StoredMessage
from tests.fakes.assistant import ScriptedAssistant, ScriptPause
from tests.unit.administration.conftest import exchange

ANN = Identity("ann", Role.VIEWER)
PANEL = TurnSource(SourceKind.ADMIN)
SHOP = TurnSource(SourceKind.TELEGRAM, "shop")
STARTED = [TurnStarted("t"), TextDelta("Добрый ")]
WHOLE = [*STARTED, TextDelta("день."), TurnFinished(route="local")]
FAILURE = EngineFailed("the model died")

Interference = Callable[[OfficeServices, RunningTurn], Awaitable[object]]


async def run_to_end(office: OfficeServices, turn: RunningTurn) -> None:
    """Does not interfere."""


async def stopped(office: OfficeServices, turn: RunningTurn) -> None:
    await wait_for_text(turn)
    assert await office.dialogue.stop(ANN, turn.session_id)


async def stopped_at_once(office: OfficeServices, turn: RunningTurn) -> None:
    assert await office.dialogue.stop(ANN, turn.session_id)


async def reader_left(office: OfficeServices, turn: RunningTurn) -> None:
    watcher = turn.watch()
    await anext(watcher)
    await watcher.aclose()  # type: ignore[attr-defined]


async def office_closes(office: OfficeServices, turn: RunningTurn) -> None:
    await wait_for_text(turn)
    await office.running_turns.close()


async def wait_for_text(turn: RunningTurn) -> None:
    """Waits for the first text."""
    async for update in turn.watch():
        if isinstance(update, TextDelta):
            return


ASKED = [("user", "Вы открыты?", "")]
OFFICE_OUTCOMES = {
    "complete": (WHOLE, run_to_end, [("assistant", "Добрый день.", "local")]),
    "its reader left": (WHOLE, reader_left, [("assistant", "Добрый день.", "local")]),
    "stopped after words": ([*STARTED, ScriptPause(60)], stopped, [("assistant", "Добрый ", STOPPED_ROUTE)]),
    "stopped before words": ([TurnStarted("t"), ScriptPause(60)], stopped_at_once, []),
    "engine failed after words": ([*STARTED, FAILURE], run_to_end, []),
    "engine failed as an event": ([*STARTED, TurnFailed("engine_failed", "died", True)], run_to_end, []),
    "engine failed before words": ([FAILURE], run_to_end, []),
    "engine ended too early": (STARTED, run_to_end, []),
    "office closed": ([*STARTED, ScriptPause(60)], office_closes, []),
}


async def test_office_turn_outcome_decides_what_is_kept(office: OfficeServices) -> None:
    for outcome, (script, end, kept) in OFFICE_OUTCOMES.items():
        session_id = (await office.conversations.restart(PANEL, "ann")).session_id
        turn = await office.dialogue.ask(
            ScriptedAssistant(script=list(script)), ANN, session_id, "Вы открыты?", Overrides()
        )
        await end(office, turn)
        await asyncio.wait_for(asyncio.gather(turn.wait_ended(), return_exceptions=True), 5)
        thread = await office.chat_sessions.thread(ANN, session_id)
        assert [(m.role, m.content, m.route) for m in thread.messages] == ASKED + kept, outcome


REPORTED_OUTCOMES = {
    "complete": ({"finished": True}, [ChatMessage("assistant", "Да, до шести.")]),
    "broke off after words": ({"finished": False, "answer": "Да, до"}, []),
    "without words": ({"finished": False, "answer": ""}, []),
}


async def test_reported_turn_outcome_decides_what_is_kept(office: OfficeServices) -> None:
    for outcome, (values, kept) in REPORTED_OUTCOMES.items():
        session_id = (await office.conversations.restart(SHOP, "42")).session_id
        await report(office, exchange(session_id=session_id, **values))
        messages = (await office.conversations.open(SHOP, "42")).messages
        assert messages == (ChatMessage("user", "Вы открыты?"), *kept), outcome


async def test_partial_answer_stays_in_the_exchange(office: OfficeServices) -> None:
    session_id = (await office.conversations.open(SHOP, "42")).session_id
    await report(office, exchange(session_id=session_id, finished=False, answer="Да, до"))
    async with office.database.unit_of_work() as work:
        (stored,) = await work.exchanges.newest()
    assert (stored.answer, stored.finished) == ("Да, до", False)


async def test_next_prompt_contains_what_was_kept(office: OfficeServices) -> None:
    session_id = (await office.conversations.open(PANEL, "ann")).session_id
    for script, end, question in (
        ([*STARTED, FAILURE], run_to_end, "раз"),
        ([*STARTED, ScriptPause(60)], stopped, "два"),
        (WHOLE, reader_left, "три"),
    ):
        turn = await office.dialogue.ask(ScriptedAssistant(script=list(script)), ANN, session_id, question, Overrides())
        await end(office, turn)
        await asyncio.wait_for(asyncio.gather(turn.wait_ended(), return_exceptions=True), 5)
    assistant = ScriptedAssistant()
    await (await office.dialogue.ask(assistant, ANN, session_id, "четыре", Overrides())).wait_ended()
    assert [(m.role, m.content) for m in assistant.turns[0].messages] == [
        ("user", "раз"),
        ("user", "два"),
        ("assistant", "Добрый "),
        ("user", "три"),
        ("assistant", "Добрый день."),
        ("user", "четыре"),
    ]


async def test_report_of_failed_panel_turn_adds_nothing(office: OfficeServices) -> None:
    session_id = (await office.conversations.open(PANEL, "ann")).session_id
    turn = await office.dialogue.ask(ScriptedAssistant(), ANN, session_id, "Вы открыты?", Overrides())
    question, _ = await turn.wait_stored()
    assert isinstance(question, StoredMessage)
    broken = ScriptedAssistant(script=[*STARTED, FAILURE])
    again = await office.dialogue.regenerate(broken, ANN, session_id, question.id, Overrides())
    with pytest.raises(SecretaryError):
        await again.wait_ended()
    own = {"source_kind": "admin", "source_id": "", "turn_id": broken.turns[0].turn_id}
    await report(office, exchange(session_id=session_id, finished=False, **own))
    assert len((await office.chat_sessions.thread(ANN, session_id)).messages) == 2


async def report(office: OfficeServices, *exchanges: Exchange) -> None:
    sequence = next(_NUMBERS)
    await office.report_ingest.accept(DoorReport(door="bot", sequence=sequence, revision=1, exchanges=exchanges))


_NUMBERS = iter(range(1, 1_000))
