"""Action buttons: a keyboard on the wire, and a mode that lasts until somebody leaves it."""

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


async def test_buttons_stand_two_in_a_row_in_their_order_under_icon_and_label(server: TelegramServer) -> None:
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


async def test_a_bot_without_buttons_takes_a_keyboard_of_old_away(server: TelegramServer) -> None:
    async with running_bot(server, action_buttons=[OFF]):
        await server.push(**command("/start"))
        await server.push(text="Вопрос")
        welcomed, answered = await server.wait_for_messages(2)
    assert markup(welcomed) == {"remove_keyboard": True}
    assert "reply_markup" not in answered.fields


async def test_a_mode_answers_until_the_menu_leads_back(server: TelegramServer) -> None:
    async with running_bot(server, **ROW) as on:
        for number, text in enumerate(("Раз", "✍️ Составить ТЗ", "Два", "📞 Менеджер", "Три", "В меню", "Четыре")):
            await server.push(text=text)
            sent = await server.wait_for_messages(number + 1)
    assert [turn.question for turn in on.assistant.turns] == ["Раз", "Два", "Три", "Четыре"]
    assert [turn.overrides[1:] for turn in on.assistant.turns] == [
        (OWN,),
        (OF_WRITING, OWN),
        (Overrides(options=GenerationOptions(temperature=0.7)), OWN),
        (OWN,),
    ]
    assert "«Составить ТЗ»" in sent[1].text
    assert "Обычный режим" in sent[5].text
    assert all("keyboard" in markup(sent[number]) for number in (1, 3, 5))
    assert all("reply_markup" not in sent[number].fields for number in (0, 2, 4, 6))


async def test_what_people_set_for_a_conversation_goes_before_its_mode(server: TelegramServer) -> None:
    session = Overrides("Сессия", options=GenerationOptions(temperature=0.1))
    memory = MemoryConversations(overrides=session, modes={str(ANNA): "tz_compose"})
    async with running_bot(server, conversations=memory, **ROW) as on:
        await server.push(text="Вопрос")
        await server.wait_for_messages(1)
    assert on.assistant.turns[0].overrides == (session, OF_WRITING, OWN)


@pytest.mark.parametrize("word", ["/start", "/new"])
async def test_a_new_beginning_leaves_the_mode(server: TelegramServer, word: str) -> None:
    async with running_bot(server, **ROW) as on:
        await server.push(text="✍️ Составить ТЗ")
        await server.push(**command(word))
        await server.push(text="Вопрос")
        await server.wait_for_messages(3)
    assert on.assistant.turns[0].overrides[1:] == (OWN,)


async def test_a_mode_is_one_persons_and_outlives_the_bots_process(server: TelegramServer) -> None:
    memory = MemoryConversations()
    async with running_bot(server, conversations=memory, **ROW):
        await server.push(text="✍️ Составить ТЗ")
        await server.wait_for_messages(1)
    async with running_bot(server, conversations=memory, version=2, **ROW) as on:
        await server.push(text="Вопрос")
        await server.wait_for_messages(2)
        await server.push(text="Вопрос", sender=user(BORIS))
        await server.wait_for_messages(3)
    assert [turn.overrides[1:] for turn in on.assistant.turns] == [(OF_WRITING, OWN), (OWN,)]


async def test_a_button_that_was_taken_away_ends_its_mode_and_its_caption_is_a_question(server: TelegramServer) -> None:
    memory = MemoryConversations(modes={str(ANNA): "tz_compose"})
    async with running_bot(server, conversations=memory, action_buttons=[MENU, OFF]) as on:
        for text in ("✍️ Составить ТЗ", "Спрятано"):
            await server.push(text=text)
        await server.wait_for_messages(2)
    assert [turn.question for turn in on.assistant.turns] == ["✍️ Составить ТЗ", "Спрятано"]
    assert all(turn.overrides == (Overrides(), Overrides()) for turn in on.assistant.turns)


async def test_in_a_group_only_the_person_who_is_answered_sees_the_keyboard_and_is_in_the_mode(
    server: TelegramServer,
) -> None:
    mine = message(group_chat(), bot_user(), 900, text="Чем могу помочь?")
    async with running_bot(server, **ROW) as on:
        await server.push(text="✍️ Составить ТЗ", chat=group_chat(), reply_to_message=mine)
        for sender in (ANNA, BORIS):
            await server.push(text="Вопрос", chat=group_chat(), reply_to_message=mine, sender=user(sender))
        sent = await server.wait_for_messages(3)
    assert markup(sent[0])["selective"] is True
    assert "reply_parameters" in sent[0].fields
    assert on.conversations.modes == {f"{GROUP}:{ANNA}": "tz_compose"}
    assert [turn.overrides[1:] for turn in on.assistant.turns] == [(OF_WRITING, OWN), (OWN,)]


async def test_without_the_office_no_mode_begins_and_people_are_still_welcomed(server: TelegramServer) -> None:
    away = MemoryConversations(error=Unavailable("office is down"))
    async with running_bot(server, conversations=away, **ROW) as on:
        await server.push(**command("/start"))
        await server.push(text="✍️ Составить ТЗ")
        await server.push(text="Вопрос")
        welcomed, refused, answered = await server.wait_for_messages(3)
    assert welcomed.text.startswith("Здравствуйте")
    assert "не получилось" in refused.text
    assert answered.text == "Ответ: Вопрос"
    assert on.assistant.turns[0].overrides[1:] == (OWN,)


async def test_a_button_with_a_bad_route_is_an_apology_not_a_crash(server: TelegramServer) -> None:
    async with running_bot(server, action_buttons=[{**WRITE, "route": "mars"}]) as on:
        await server.push(text="✍️ Составить ТЗ")
        await server.push(text="Вопрос")
        _, answered = await server.wait_for_messages(2)
    assert "не получилось" in answered.text
    assert on.bot.status().last_failure.startswith("model_not_found")


async def test_a_stranger_presses_no_button(server: TelegramServer) -> None:
    async with running_bot(server, allowed_users=(ANNA,), **ROW) as on:
        await server.push(text="✍️ Составить ТЗ", sender=user(BORIS))
        (sent,) = await server.wait_for_messages(1)
    assert "нет доступа" in sent.text
    assert on.conversations.modes == {}
