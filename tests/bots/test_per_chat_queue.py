"""Order within a chat, concurrency between chats, and bounded queues."""

from dataclasses import replace

from tests.bots.bot_api_json import ANNA, BORIS, user
from tests.bots.fakes import ScriptedBotAssistant, slow_script
from tests.bots.harness import FAST_LIMITS, running_bot
from tests.bots.telegram_server import TelegramServer


async def test_queue_orders_a_chat_and_runs_chats_in_parallel(server: TelegramServer) -> None:
    async with running_bot(server, ScriptedBotAssistant(slow_script(0.15))) as running:
        for number in range(3):
            await server.push(text=f"А{number}", sender=user(ANNA))
            await server.push(text=f"Б{number}", sender=user(BORIS))
        await server.wait_for_messages(6)
    for person, letter in ((ANNA, "А"), (BORIS, "Б")):
        assert [m.text for m in server.sent if m.chat_id == person] == [f"Ответ: {letter}{n}" for n in range(3)]
    assert running.assistant.max_running == 2


async def test_queue_bounds_concurrent_turns(server: TelegramServer) -> None:
    async with running_bot(
        server, ScriptedBotAssistant(slow_script(0.1)), limits=replace(FAST_LIMITS, max_concurrent_turns=2)
    ) as running:
        for user_id in range(6):
            await server.push(text="Вопрос", sender=user(1000 + user_id))
        await server.wait_for_messages(6)
    assert running.assistant.max_running == 2


async def test_full_queue_replies_busy_once(server: TelegramServer) -> None:
    async with running_bot(
        server, ScriptedBotAssistant(slow_script(0.4)), limits=replace(FAST_LIMITS, max_waiting_per_chat=2)
    ) as running:
        await server.push(text="0")
        await server.wait_until(lambda: running.assistant.running == 1)
        for number in range(1, 6):
            await server.push(text=str(number))
        sent = await server.wait_for_messages(4)
    assert "Подождите" in sent[0].text
    assert [message.text for message in sent[1:]] == ["Ответ: 0", "Ответ: 1", "Ответ: 2"]
    assert len(server.sent) == 4


async def test_full_bot_stops_confirming_updates(server: TelegramServer) -> None:
    limits = replace(FAST_LIMITS, max_waiting_overall=2, max_concurrent_turns=1)
    async with running_bot(server, ScriptedBotAssistant(slow_script(0.2)), limits=limits):
        for user_id in range(5):
            await server.push(text="Вопрос", sender=user(1000 + user_id))
        await server.wait_for_messages(1)
        assert server.confirmed == 0
        await server.wait_for_messages(5)
