"""Sends that fail for a temporary reason are retried."""

import time

import pytest

from tests.bots.bot_api_json import Fault, command
from tests.bots.harness import running_bot
from tests.bots.telegram_server import TelegramServer


async def test_send_waits_for_flood_control(server: TelegramServer) -> None:
    server.fail("sendMessage", Fault(429, retry_after=1))
    async with running_bot(server):
        started = time.monotonic()
        await server.push(text="Вопрос")
        await server.wait_for_messages(1)
        assert time.monotonic() - started >= 1


async def test_send_fails_when_flood_control_is_too_long(server: TelegramServer) -> None:
    server.fail("sendMessage", Fault(429, retry_after=3600), Fault(429, retry_after=3600))
    async with running_bot(server) as running:
        await server.push(text="Вопрос")
        await server.wait_until(lambda: running.bot.status().failures == 1)
        await server.push(text="Ещё вопрос")
        assert (await server.wait_for_messages(1))[0].text == "Ответ: Ещё вопрос"


@pytest.mark.parametrize("fault", [Fault(502), Fault(cut=True)], ids=["502", "cut"])
async def test_send_is_retried_after_temporary_error(server: TelegramServer, fault: Fault) -> None:
    server.fail("sendMessage", fault)
    async with running_bot(server):
        await server.push(text="Вопрос")
        assert (await server.wait_for_messages(1))[0].text == "Ответ: Вопрос"


async def test_blocked_bot_counts_no_failure(server: TelegramServer) -> None:
    server.fail("sendMessage", Fault(403, "Forbidden: bot was blocked by the user"))
    async with running_bot(server) as running:
        await server.push(text="Вопрос")
        await server.push(**command("/help"))
        await server.wait_for_messages(1)
    assert running.bot.status().failures == 0
