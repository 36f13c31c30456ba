"""Action buttons: the reply keyboard and the mode of a conversation."""

import json
from typing import Any

import pytest

from deployments.contracts.chat import GenerationOptions, Overrides, Route
from deployments.contracts.errors import Unavailable
from tests.bots.bot_api_json import ANNA, BORIS, GROUP, SentMessage, bot_user, command, group_chat, message, user
from tests.bots.fakes import MemoryConversations
from tests.bots.harness import running_bot
from tests.bots.telegram_server import TelegramServer

WRITE = {
    "id": "tz_compose",
    "label": "Составить ТЗ",
    "icon": "✍️",
    "order": 1,
    "route": "cloud:openai",
    "system_prompt": "Ты составляешь ТЗ.",
    "llm_params": {"temperature": 0.3, "max_tokens": 2048},
}
CONTACT = {"id": "manager_contact", "label": "Менеджер", "icon": "📞", "order": 2, "llm_params": {"temperature": 0.7}}
MENU = {"id": "main_menu", "label": "В меню", "order": 3}
OFF = {"id": "off", "label": "Спрятано", "order": 0, "enabled": False, "system_prompt": "Нет"}
ROW: dict[str, Any] = {
    "system_prompt": "Ты секретарь.",
    "llm_params": {"temperature": 0.9, "top_p": 0.5},
    "action_buttons": [MENU, CONTACT, OFF, WRITE],
}
OWN = Overrides("Ты секретарь.", options=GenerationOptions(temperature=0.9, top_p=0.5))
OF_WRITING = Overrides(
    "Ты составляешь ТЗ.", None, Route.parse("cloud:openai"), GenerationOptions(temperature=0.3, max_tokens=2048)
)


def markup(sent: SentMessage) -> dict[str, Any]:
    return dict(json.loads(sent.fields["reply_markup"]))


async def test_keyboard_has_two_buttons_per_row_in_order(server: TelegramServer) -> None:
    async with running_bot(server, **ROW):
        for word in ("/start", "/new", "/help"):
            await server.push(**command(word))
        sent = await server.wait_for_messages(3)
    for each in sent:
        shown = markup(each)
        captions = [[button["text"] for button in row] for row in shown["keyboard"]]
        assert captions == [["✍️ Составить ТЗ", "📞 Менеджер"], ["В меню"]]
        assert shown["resize_keyboard"] is True
        assert "selective" not in shown


async def test_keyboard_is_removed_without_buttons(server: TelegramServer) -> None:
    async with running_bot(server, action_buttons=[OFF]):
        await server.push(**command("/start"))
        await server.push(text="Вопрос")
        welcomed, answered = await server.wait_for_messages(2)
    assert markup(welcomed) == {"remove_keyboard": True}
    assert "reply_markup" not in answered.fields


async def test_mode_lasts_until_main_menu(server: TelegramServer) -> None:
    async with running_bot(server, **ROW) as running:
        for number, text in enumerate(("Раз", "✍️ Составить ТЗ", "Два", "📞 Менеджер", "Три", "В меню", "Четыре")):
            await server.push(text=text)
            sent = await server.wait_for_messages(number + 1)
    assert [turn.question for turn in running.assistant.turns] == ["Раз", "Два", "Три", "Четыре"]
    assert [turn.overrides[1:] for turn in running.assistant.turns] == [
        (OWN,),
        (OF_WRITING, OWN),
        (Overrides(options=GenerationOptions(temperature=0.7)), OWN),
        (OWN,),
    ]
    assert "«Составить ТЗ»" in sent[1].text
    assert "Обычный режим" in sent[5].text
    assert all("keyboard" in markup(sent[number]) for number in (1, 3, 5))
    assert all("reply_markup" not in sent[number].fields for number in (0, 2, 4, 6))


async def test_conversation_overrides_precede_mode(server: TelegramServer) -> None:
    session = Overrides("Сессия", options=GenerationOptions(temperature=0.1))
    memory = MemoryConversations(overrides=session, modes={str(ANNA): "tz_compose"})
    async with running_bot(server, conversations=memory, **ROW) as running:
        await server.push(text="Вопрос")
        await server.wait_for_messages(1)
    assert running.assistant.turns[0].overrides == (session, OF_WRITING, OWN)


@pytest.mark.parametrize("word", ["/start", "/new"])
async def test_mode_ends_with_start_and_new(server: TelegramServer, word: str) -> None:
    async with running_bot(server, **ROW) as running:
        await server.push(text="✍️ Составить ТЗ")
        await server.push(**command(word))
        await server.push(text="Вопрос")
        await server.wait_for_messages(3)
    assert running.assistant.turns[0].overrides[1:] == (OWN,)


async def test_mode_is_per_user_and_survives_restart(server: TelegramServer) -> None:
    memory = MemoryConversations()
    async with running_bot(server, conversations=memory, **ROW):
        await server.push(text="✍️ Составить ТЗ")
        await server.wait_for_messages(1)
    async with running_bot(server, conversations=memory, version=2, **ROW) as running:
        await server.push(text="Вопрос")
        await server.wait_for_messages(2)
        await server.push(text="Вопрос", sender=user(BORIS))
        await server.wait_for_messages(3)
    assert [turn.overrides[1:] for turn in running.assistant.turns] == [(OF_WRITING, OWN), (OWN,)]


async def test_removed_button_ends_its_mode(server: TelegramServer) -> None:
    memory = MemoryConversations(modes={str(ANNA): "tz_compose"})
    async with running_bot(server, conversations=memory, action_buttons=[MENU, OFF]) as running:
        for text in ("✍️ Составить ТЗ", "Спрятано"):
            await server.push(text=text)
        await server.wait_for_messages(2)
    assert [turn.question for turn in running.assistant.turns] == ["✍️ Составить ТЗ", "Спрятано"]
    assert all(turn.overrides == (Overrides(), Overrides()) for turn in running.assistant.turns)


async def test_keyboard_in_group_is_selective(
    server: TelegramServer,
) -> None:
    bots_message = message(group_chat(), bot_user(), 900, text="Чем могу помочь?")
    async with running_bot(server, **ROW) as running:
        await server.push(text="✍️ Составить ТЗ", chat=group_chat(), reply_to_message=bots_message)
        for sender in (ANNA, BORIS):
            await server.push(text="Вопрос", chat=group_chat(), reply_to_message=bots_message, sender=user(sender))
        sent = await server.wait_for_messages(3)
    assert markup(sent[0])["selective"] is True
    assert "reply_parameters" in sent[0].fields
    assert running.conversations.modes == {f"{GROUP}:{ANNA}": "tz_compose"}
    assert [turn.overrides[1:] for turn in running.assistant.turns] == [(OF_WRITING, OWN), (OWN,)]


async def test_mode_is_refused_without_office(server: TelegramServer) -> None:
    no_office = MemoryConversations(error=Unavailable("office is down"))
    async with running_bot(server, conversations=no_office, **ROW) as running:
        await server.push(**command("/start"))
        await server.push(text="✍️ Составить ТЗ")
        await server.push(text="Вопрос")
        welcomed, refused, answered = await server.wait_for_messages(3)
    assert welcomed.text.startswith("Здравствуйте")
    assert "не получилось" in refused.text
    assert answered.text == "Ответ: Вопрос"
    assert running.assistant.turns[0].overrides[1:] == (OWN,)


async def test_button_with_unknown_route_sends_error_text(server: TelegramServer) -> None:
    async with running_bot(server, action_buttons=[{**WRITE, "route": "mars"}]) as running:
        await server.push(text="✍️ Составить ТЗ")
        await server.push(text="Вопрос")
        _, answered = await server.wait_for_messages(2)
    assert "не получилось" in answered.text
    assert running.bot.status().last_failure.startswith("model_not_found")


async def test_button_is_refused_by_access_list(server: TelegramServer) -> None:
    async with running_bot(server, access="listed", allowed_users=(ANNA,), **ROW) as running:
        await server.push(text="✍️ Составить ТЗ", sender=user(BORIS))
        (sent,) = await server.wait_for_messages(1)
    assert "нет доступа" in sent.text
    assert running.conversations.modes == {}
