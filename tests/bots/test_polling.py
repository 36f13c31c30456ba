"""Polling recovers from errors of Telegram and the network."""

import asyncio
import time
from dataclasses import replace

import pytest
from aiogram.exceptions import (
    TelegramConflictError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.methods import GetMe, GetUpdates

from bots.backoff import backoff_delay_s
from bots.bot_status import BotState
from bots.telegram.polling import classify_polling_error
from tests.bots.bot_api_json import Fault, command
from tests.bots.harness import FAST_LIMITS, running_bot, unreachable_bot, wait_for_state
from tests.bots.telegram_server import TelegramServer


@pytest.mark.parametrize("fault", [Fault(500), Fault(cut=True)], ids=["500", "cut"])
async def test_polling_recovers_after_error(server: TelegramServer, fault: Fault) -> None:
    server.fail("getUpdates", fault)
    async with running_bot(server) as running:
        await wait_for_state(running, BotState.UNREACHABLE)
        assert running.bot.status().error
        await server.push(text="Вопрос")
        await server.wait_for_messages(1)
        assert running.bot.status().state is BotState.RUNNING
        assert running.bot.status().error == ""
    assert len(running.assistant.turns) == 1


async def test_lost_get_updates_reply_causes_no_duplicate(server: TelegramServer) -> None:
    async with running_bot(server) as running:
        await wait_for_state(running, BotState.RUNNING)
        server.fail("getUpdates", Fault(cut=True, after=True))
        await server.push(text="раз")
        await server.push(text="два")
        await server.wait_for_messages(2)
    assert [turn.question for turn in running.assistant.turns] == ["раз", "два"]


async def test_unreachable_server_is_retried() -> None:
    async with TelegramServer() as stopped_server:
        url = stopped_server.url
    bot = unreachable_bot(url)
    task = asyncio.create_task(bot.run())
    await stopped_server.wait_until(lambda: bot.status().state is BotState.UNREACHABLE, 15)
    await bot.stop()
    await task


async def test_rejected_token_stops_bot(server: TelegramServer) -> None:
    async with running_bot(server, token="123456:wrongwrongwrongwrong") as running:
        await asyncio.wait_for(running.task, 15)
        status = running.bot.status()
    assert status.state is BotState.REJECTED
    assert "token" in status.error
    assert server.calls == []


async def test_revoked_token_stops_running_bot(server: TelegramServer) -> None:
    async with running_bot(server) as running:
        await wait_for_state(running, BotState.RUNNING)
        server.token = "9:another-token-of-this-bot"
        await server.push(text="Вопрос")
        await server.push(text="Вопрос")
        await asyncio.wait_for(running.task, 15)
        assert running.bot.status().state is BotState.REJECTED


async def test_malformed_token_is_rejected_without_request(server: TelegramServer) -> None:
    async with running_bot(server, token="not a token") as running:
        await asyncio.wait_for(running.task, 15)
        assert running.bot.status().state is BotState.REJECTED


async def test_webhook_is_deleted_before_polling(server: TelegramServer) -> None:
    server.webhook = True
    async with running_bot(server) as running:
        await wait_for_state(running, BotState.RUNNING)
        await server.push(text="Вопрос")
        await server.wait_for_messages(1)
    assert not server.webhook
    assert ("deleteWebhook", {"drop_pending_updates": "false"}) in server.calls


async def test_conflict_is_reported_and_retried_slower(server: TelegramServer) -> None:
    conflict = Fault(409, "Conflict: terminated by other getUpdates request")
    server.fail("getUpdates", *[conflict] * 4)
    async with running_bot(server, limits=replace(FAST_LIMITS, first_retry_s=0.05, max_retry_s=0.25)) as running:
        started = time.monotonic()
        await wait_for_state(running, BotState.CONFLICT)
        assert "same token" in running.bot.status().error
        await wait_for_state(running, BotState.RUNNING)
        assert time.monotonic() - started > 0.05 + 0.1 + 0.2
        await server.push(text="Вопрос")
        await server.wait_for_messages(1)


async def test_two_bots_with_one_token_report_conflict(server: TelegramServer) -> None:
    async with running_bot(server) as first:
        await server.wait_until(lambda: server.is_polled)
        async with running_bot(server):
            await wait_for_state(first, BotState.CONFLICT)
        assert server.poller_conflicts >= 1
        await wait_for_state(first, BotState.RUNNING)


async def test_old_messages_are_skipped_after_restart(server: TelegramServer) -> None:
    await server.push(text="вчера", date=int(time.time()) - 86_400)
    await server.push(text="минуту назад", date=int(time.time()) - 60)
    async with running_bot(server) as running:
        await server.wait_for_messages(1)
    assert [turn.question for turn in running.assistant.turns] == ["минуту назад"]


async def test_invalid_update_does_not_block_others(server: TelegramServer) -> None:
    async with running_bot(server) as running:
        await server.push_raw({"message": {"message_id": "what?", "chat": {"id": 1}}})
        await server.push(text="Вопрос")
        await server.wait_for_messages(1)
        await server.push_raw({"message": {"message_id": "again", "chat": {"id": 1}}})
        await server.push(text="Ещё")
        await server.wait_for_messages(2)
        assert running.bot.status().state is BotState.RUNNING


async def test_status_counts_updates(server: TelegramServer) -> None:
    async with running_bot(server) as running:
        await server.push(text="раз")
        await server.push(**command("/help"))
        await server.wait_for_messages(2)
        status = running.bot.status()
    assert (status.id, status.updates, status.username) == ("front", 2, "anna_secretary_bot")
    assert status.last_update_at is not None


@pytest.mark.parametrize(
    ("error", "state", "min_s", "max_s"),
    [
        (TelegramUnauthorizedError(GetMe(), "Unauthorized"), BotState.REJECTED, None, None),
        (TelegramConflictError(GetUpdates(), "Conflict"), BotState.CONFLICT, 0.7, 1),
        (TelegramNetworkError(GetUpdates(), "lost"), BotState.UNREACHABLE, 0.7, 1),
        (TelegramRetryAfter(GetUpdates(), "flood", 30), BotState.UNREACHABLE, 30, 30),
        (TelegramRetryAfter(GetUpdates(), "flood", 10**6), BotState.UNREACHABLE, 900, 900),
    ],
)
def test_polling_error_is_classified(
    error: Exception, state: BotState, min_s: float | None, max_s: float | None
) -> None:
    failure = classify_polling_error(error, 1, replace(FAST_LIMITS, first_retry_s=1, max_retry_s=60))
    assert failure.state is state
    if min_s is None or max_s is None:
        assert failure.wait_s is None
    else:
        assert failure.wait_s is not None
        assert min_s <= failure.wait_s <= max_s


def test_backoff_doubles_up_to_maximum() -> None:
    assert all(
        0.75 * full <= backoff_delay_s(n, 1, 60) <= full for n, full in ((1, 1), (2, 2), (4, 8), (40, 60), (10**6, 60))
    )
