"""Users and turns of panel conversations with a scripted assistant."""

import asyncio

from deployments.administration.chat.running_turns import RunningTurn
from deployments.administration.office.composition import OfficeServices
from deployments.contracts.chat import Overrides, SourceKind, TurnSource
from deployments.contracts.identity import Identity, Role
from deployments.contracts.sessions import StoredMessage
from tests.fakes.assistant import ScriptedAssistant

ANN = Identity("ann", Role.VIEWER)
BOB = Identity("bob", Role.VIEWER)
OPERATOR = Identity("olga", Role.OPERATOR)
ADMIN = TurnSource(SourceKind.ADMIN)
NOTHING = Overrides()


async def message_texts(office: OfficeServices, session_id: str) -> list[tuple[str, str]]:
    thread = await office.chat_sessions.thread(ANN, session_id)
    return [(message.role, message.content) for message in thread.messages]


async def ask(
    office: OfficeServices, assistant: ScriptedAssistant, session_id: str, content: str = "Привет"
) -> RunningTurn:
    return await office.dialogue.ask(assistant, ANN, session_id, content, NOTHING)


async def wait_exchange(turn: RunningTurn) -> tuple[StoredMessage, StoredMessage]:
    return await asyncio.wait_for(turn.wait_stored(), 5)
