"""A bot that is stopped finishes or cancels its turns within a limit."""

import asyncio
import time
from dataclasses import replace

from bots.bot_status import BotState
from tests.bots.fakes import ScriptedBotAssistant, slow_script
from tests.bots.harness import FAST_LIMITS, running_bot, wait_for_state
from tests.bots.telegram_server import TelegramServer


async def test_stop_waits_for_turns_and_confirms_them(server: TelegramServer) -> None:
    async with running_bot(server, ScriptedBotAssistant(slow_script(0.4))) as running:
        await server.push(text="Вопрос")
        await server.wait_until(lambda: running.assistant.running == 1)
        await running.bot.stop()
        assert running.bot.status().state is BotState.STOPPED
    assert [message.text for message in server.sent] == ["Ответ: Вопрос"]
    async with running_bot(server) as again:
        await wait_for_state(again, BotState.RUNNING)
        await server.push(text="Другой")
        await server.wait_for_messages(2)
    assert [turn.question for turn in again.assistant.turns] == ["Другой"]


async def test_stop_cancels_long_turns_and_replies_once(server: TelegramServer) -> None:
    limits = replace(FAST_LIMITS, stop_grace_s=0.2)
    async with running_bot(
        server, ScriptedBotAssistant(slow_script(60)), limits=limits, error_message="Простите!"
    ) as running:
        await server.push(text="Вопрос")
        await server.push(text="Ещё вопрос")
        await server.wait_until(lambda: running.assistant.running == 1 and server.confirmed >= 2)
        started = time.monotonic()
        await running.bot.stop()
        assert time.monotonic() - started < 10
        assert running.assistant.running == 0
    assert [message.text for message in server.sent] == ["Простите!"]
    assert not server.is_polled


async def test_cancelled_run_finishes_like_stop(server: TelegramServer) -> None:
    async with running_bot(server, ScriptedBotAssistant(slow_script(0.2))) as running:
        await server.push(text="Вопрос")
        await server.wait_until(lambda: running.assistant.running == 1)
        running.task.cancel()
        await asyncio.wait({running.task})
        assert running.task.cancelled()
        assert running.bot.status().state is BotState.STOPPED
    assert [message.text for message in server.sent] == ["Ответ: Вопрос"]
