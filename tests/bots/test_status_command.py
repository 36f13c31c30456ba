"""The command /status, which only the bot's administrators may use."""

import pytest

from deployments.contracts.errors import Unavailable
from deployments.contracts.speech import EngineStatus
from tests.bots.bot_api_json import ANNA, BORIS, BOT_NAME, TOKEN, command, user
from tests.bots.fakes import MemoryConversations, ScriptedBotAssistant
from tests.bots.harness import running_bot
from tests.bots.telegram_server import TelegramServer

ENGINES = (
    EngineStatus("chat", "chat", "echo", ready=True),
    EngineStatus("voice", "speech", "piper", ready=False, error="no model"),
)


async def test_status_shows_users_messages_and_engines(server: TelegramServer) -> None:
    row = {"admin_users": (ANNA,), "access": "listed", "allowed_users": (ANNA, BORIS), "version": 3, "language": "en"}
    async with running_bot(server, ScriptedBotAssistant(engines=ENGINES), **row):
        await server.push(text="Hello", sender=user(BORIS))
        await server.wait_for_messages(1)
        await server.push(**command("/status"))
        _, reply = await server.wait_for_messages(2)
    assert reply.text.splitlines() == [
        f"@{BOT_NAME}, version 3",
        "Access: people on the list: 2",
        "Conversations: 1",
        "Messages: 2, not answered: 0",
        "Last failure: —",
        "Not ready: voice",
        f"Server: {server.url}",
    ]


async def test_status_works_without_office(server: TelegramServer) -> None:
    no_office = MemoryConversations(error=Unavailable("office is down"))
    async with running_bot(server, conversations=no_office, admin_users=(ANNA,)):
        await server.push(**command("/status"))
        (reply,) = await server.wait_for_messages(1)
    assert "Разговоров: ?" in reply.text
    assert "Доступ: для всех" in reply.text


@pytest.mark.parametrize("administrators", [(), (BORIS,)])
async def test_status_is_refused_to_other_users(server: TelegramServer, administrators: tuple[int, ...]) -> None:
    async with running_bot(server, admin_users=administrators) as running:
        await server.push(**command("/status"))
        await server.push(**command("/help"))
        reply, helped = await server.wait_for_messages(2)
    assert reply.text == "Эта команда только для администраторов бота."
    assert "/status" not in helped.text
    assert running.assistant.turns == []


async def test_help_names_status_for_administrators(server: TelegramServer) -> None:
    text = "Спросите о ценах."
    async with running_bot(server, admin_users=(ANNA,), access="listed", allowed_users=(BORIS,), help_message=text):
        await server.push(**command("/help"))
        await server.push(text="Вопрос")
        helped, answered = await server.wait_for_messages(2)
    assert helped.text == "Спросите о ценах.\n\n/status — как работает бот"
    assert answered.text == "Ответ: Вопрос"


async def test_status_redacts_token_in_last_failure(server: TelegramServer) -> None:
    async def crash(turn: object):
        raise RuntimeError(f"at /bot{TOKEN}/sendMessage")
        yield

    async with running_bot(server, ScriptedBotAssistant(crash), admin_users=(ANNA,)):  # type: ignore[arg-type]
        await server.push(text="Вопрос")
        await server.push(**command("/status"))
        _, reply = await server.wait_for_messages(2)
    assert "Последняя ошибка: RuntimeError: at /bot[token]/sendMessage" in reply.text
    assert TOKEN.partition(":")[2] not in reply.text
