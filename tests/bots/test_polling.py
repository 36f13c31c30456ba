"""What Telegram and the network do to a bot, and what the bot does about it."""

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
from tests.bots.fakes import ScriptedBotAssistant, slow_script
from tests.bots.harness import FAST_LIMITS, RunningBot, running_bot, unreachable_bot
from tests.bots.telegram_server import TelegramServer


async def _state(on: RunningBot, state: BotState, within_s: float = 15) -> None:
    await on.server.wait_until(lambda: on.bot.status().state is state, within_s, lambda: repr(on.bot.status()))


async def test_flood_control_is_waited_out(server: TelegramServer) -> None:
    server.fail("sendMessage", Fault(429, retry_after=1))
    async with running_bot(server):
        started = time.monotonic()
        await server.push(text="Вопрос")
        await server.wait_for_messages(1)
        assert time.monotonic() - started >= 1


async def test_flood_control_beyond_the_bound_is_not_waited_for(server: TelegramServer) -> None:
    server.fail("sendMessage", Fault(429, retry_after=3600), Fault(429, retry_after=3600))
    async with running_bot(server) as on:
        await server.push(text="Вопрос")
        await server.wait_until(lambda: on.bot.status().failures == 1)
        await server.push(text="Ещё вопрос")
        assert (await server.wait_for_messages(1))[0].text == "Ответ: Ещё вопрос"


@pytest.mark.parametrize("fault", [Fault(500), Fault(502), Fault(cut=True)], ids=["500", "502", "cut"])
async def test_a_send_survives_a_bad_moment(server: TelegramServer, fault: Fault) -> None:
    server.fail("sendMessage", fault)
    async with running_bot(server):
        await server.push(text="Вопрос")
        assert (await server.wait_for_messages(1))[0].text == "Ответ: Вопрос"


@pytest.mark.parametrize(
    "fault", [Fault(500), Fault(cut=True), Fault(429, retry_after=1)], ids=["500", "cut", "flood control"]
)
async def test_polling_comes_back_after_trouble(server: TelegramServer, fault: Fault) -> None:
    server.fail("getUpdates", fault)
    async with running_bot(server) as on:
        await _state(on, BotState.UNREACHABLE)
        assert on.bot.status().error
        await server.push(text="Вопрос")
        await server.wait_for_messages(1)
        assert on.bot.status().state is BotState.RUNNING
        assert on.bot.status().error == ""
    assert len(on.assistant.turns) == 1


async def test_a_lost_reply_of_get_updates_answers_nobody_twice(server: TelegramServer) -> None:
    async with running_bot(server) as on:
        await _state(on, BotState.RUNNING)
        server.fail("getUpdates", Fault(cut=True, after=True))
        await server.push(text="раз")
        await server.push(text="два")
        await server.wait_for_messages(2)
    assert [turn.question for turn in on.assistant.turns] == ["раз", "два"]


async def test_a_server_that_is_not_there_yet_is_waited_for() -> None:
    async with TelegramServer() as gone:
        url = gone.url
    bot = unreachable_bot(url)
    task = asyncio.create_task(bot.run())
    await gone.wait_until(lambda: bot.status().state is BotState.UNREACHABLE, 15)
    await bot.stop()
    await task


async def test_a_rejected_token_stops_the_bot_at_the_first_call(server: TelegramServer) -> None:
    async with running_bot(server, token="123456:wrongwrongwrongwrong") as on:
        await asyncio.wait_for(on.task, 15)
        status = on.bot.status()
    assert status.state is BotState.REJECTED
    assert "token" in status.error
    assert server.calls == []


async def test_a_token_revoked_in_service_stops_the_bot(server: TelegramServer) -> None:
    async with running_bot(server) as on:
        await _state(on, BotState.RUNNING)
        server.token = "9:another-token-of-this-bot"
        await server.push(text="Вопрос")
        await server.push(text="Вопрос")
        await asyncio.wait_for(on.task, 15)
        assert on.bot.status().state is BotState.REJECTED


async def test_text_that_is_no_token_is_rejected_without_a_call(server: TelegramServer) -> None:
    async with running_bot(server, token="not a token") as on:
        await asyncio.wait_for(on.task, 15)
        assert on.bot.status().state is BotState.REJECTED


async def test_a_webhook_is_removed_before_polling(server: TelegramServer) -> None:
    server.webhook = True
    async with running_bot(server) as on:
        await _state(on, BotState.RUNNING)
        await server.push(text="Вопрос")
        await server.wait_for_messages(1)
    assert not server.webhook
    assert ("deleteWebhook", {"drop_pending_updates": "false"}) in server.calls


async def test_a_second_poller_is_reported_and_not_fought(server: TelegramServer) -> None:
    conflict = Fault(409, "Conflict: terminated by other getUpdates request")
    server.fail("getUpdates", *[conflict] * 4)
    async with running_bot(server, limits=replace(FAST_LIMITS, first_retry_s=0.2, max_retry_s=1)) as on:
        started = time.monotonic()
        await _state(on, BotState.CONFLICT)
        assert "same token" in on.bot.status().error
        await _state(on, BotState.RUNNING)
        assert time.monotonic() - started > 0.2 + 0.4 + 0.8
        await server.push(text="Вопрос")
        await server.wait_for_messages(1)


async def test_two_real_bots_on_one_token_notice_each_other(server: TelegramServer) -> None:
    async with running_bot(server) as first:
        await server.wait_until(lambda: server.is_polled)
        async with running_bot(server):
            await _state(first, BotState.CONFLICT)
        assert server.poller_conflicts >= 1
        await _state(first, BotState.RUNNING)


async def test_recent_messages_are_answered_after_a_pause_and_old_ones_are_not(server: TelegramServer) -> None:
    await server.push(text="вчера", date=int(time.time()) - 86_400)
    await server.push(text="минуту назад", date=int(time.time()) - 60)
    async with running_bot(server) as on:
        await server.wait_for_messages(1)
    assert [turn.question for turn in on.assistant.turns] == ["минуту назад"]


async def test_stop_lets_answers_in_flight_finish_and_confirms_them(server: TelegramServer) -> None:
    async with running_bot(server, ScriptedBotAssistant(slow_script(0.4))) as on:
        await server.push(text="Вопрос")
        await server.wait_until(lambda: on.assistant.running == 1)
        await on.bot.stop()
        assert on.bot.status().state is BotState.STOPPED
    assert [message.text for message in server.sent] == ["Ответ: Вопрос"]
    async with running_bot(server) as again:
        await _state(again, BotState.RUNNING)
        await server.push(text="Другой")
        await server.wait_for_messages(2)
    assert [turn.question for turn in again.assistant.turns] == ["Другой"]


async def test_stop_is_bounded_and_people_who_were_cut_off_are_told_once(server: TelegramServer) -> None:
    limits = replace(FAST_LIMITS, stop_grace_s=0.2)
    async with running_bot(
        server, ScriptedBotAssistant(slow_script(60)), limits=limits, error_message="Простите!"
    ) as on:
        await server.push(text="Вопрос")
        await server.push(text="Ещё вопрос")
        await server.wait_until(lambda: on.assistant.running == 1 and server.confirmed >= 2)
        started = time.monotonic()
        await on.bot.stop()
        assert time.monotonic() - started < 10
        assert on.assistant.running == 0
    assert [message.text for message in server.sent] == ["Простите!"]
    assert not server.is_polled


async def test_cancelling_run_closes_everything_like_stop(server: TelegramServer) -> None:
    async with running_bot(server, ScriptedBotAssistant(slow_script(0.2))) as on:
        await server.push(text="Вопрос")
        await server.wait_until(lambda: on.assistant.running == 1)
        on.task.cancel()
        await asyncio.wait({on.task})
        assert on.task.cancelled()
        assert on.bot.status().state is BotState.STOPPED
    assert [message.text for message in server.sent] == ["Ответ: Вопрос"]


async def test_an_update_of_an_unknown_shape_does_not_block_the_others(server: TelegramServer) -> None:
    async with running_bot(server) as on:
        await server.push_raw({"message": {"message_id": "what?", "chat": {"id": 1}}})
        await server.push(text="Вопрос")
        await server.wait_for_messages(1)
        await server.push_raw({"message": {"message_id": "again", "chat": {"id": 1}}})
        await server.push(text="Ещё")
        await server.wait_for_messages(2)
        assert on.bot.status().state is BotState.RUNNING


async def test_a_person_who_blocked_the_bot_is_no_failure(server: TelegramServer) -> None:
    server.fail("sendMessage", Fault(403, "Forbidden: bot was blocked by the user"))
    async with running_bot(server) as on:
        await server.push(text="Вопрос")
        await server.push(**command("/help"))
        await server.wait_for_messages(1)
    assert on.bot.status().failures == 0


async def test_status_counts_updates(server: TelegramServer) -> None:
    async with running_bot(server) as on:
        await server.push(text="раз")
        await server.push(**command("/help"))
        await server.wait_for_messages(2)
        status = on.bot.status()
    assert (status.id, status.updates, status.username) == ("front", 2, "anna_secretary_bot")
    assert status.last_update_at is not None


@pytest.mark.parametrize(
    ("error", "state", "shortest", "longest"),
    [
        (TelegramUnauthorizedError(GetMe(), "Unauthorized"), BotState.REJECTED, None, None),
        (TelegramConflictError(GetUpdates(), "Conflict"), BotState.CONFLICT, 0.7, 1),
        (TelegramNetworkError(GetUpdates(), "lost"), BotState.UNREACHABLE, 0.7, 1),
        (TelegramRetryAfter(GetUpdates(), "flood", 30), BotState.UNREACHABLE, 30, 30),
        (TelegramRetryAfter(GetUpdates(), "flood", 10**6), BotState.UNREACHABLE, 900, 900),
    ],
)
def test_every_failure_of_polling_has_a_diagnosis(
    error: Exception, state: BotState, shortest: float | None, longest: float | None
) -> None:
    trouble = classify_polling_error(error, 1, replace(FAST_LIMITS, first_retry_s=1, max_retry_s=60))
    assert trouble.state is state
    if shortest is None or longest is None:
        assert trouble.wait_s is None
    else:
        assert trouble.wait_s is not None
        assert shortest <= trouble.wait_s <= longest


def test_delays_double_up_to_a_bound() -> None:
    assert all(
        0.75 * full <= backoff_delay_s(n, 1, 60) <= full for n, full in ((1, 1), (2, 2), (4, 8), (40, 60), (10**6, 60))
    )
