"""Conversations of the panel: who talks, and a turn on a scripted assistant."""

import asyncio

from deployments.administration.office import Office
from deployments.administration.turns import RunningTurn
from deployments.contracts.chat import Overrides, Source, SourceKind
from deployments.contracts.identity import Identity, Role
from deployments.contracts.sessions import StoredMessage
from tests.fakes.assistant import ScriptedAssistant

ANN = Identity("ann", Role.VIEWER)
BOB = Identity("bob", Role.VIEWER)
OPERATOR = Identity("olga", Role.OPERATOR)
ADMIN = Source(SourceKind.ADMIN)
NOTHING = Overrides()


async def said(office: Office, session_id: str) -> list[tuple[str, str]]:
    thread = await office.chats.thread(ANN, session_id)
    return [(message.role, message.content) for message in thread.messages]


async def ask(office: Office, assistant: ScriptedAssistant, session_id: str, content: str = "Привет") -> RunningTurn:
    return await office.dialogue.ask(assistant, ANN, session_id, content, NOTHING)


async def exchanged(turn: RunningTurn) -> tuple[StoredMessage, StoredMessage]:
    return await asyncio.wait_for(turn.finished(), 5)
