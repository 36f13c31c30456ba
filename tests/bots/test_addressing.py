"""Which messages are answered: access list, groups, edits and albums."""

import time

import pytest

from tests.bots.bot_api_json import (
    ANNA,
    BORIS,
    BOT_NAME,
    GROUP,
    bot_user,
    command,
    group_chat,
    mention,
    message,
    user,
    voice,
)
from tests.bots.harness import running_bot
from tests.bots.telegram_server import TelegramServer


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("message", {"text": "Привет"}),
        ("message", command("/start")),
        ("message", command("/help")),
        ("message", command("/new")),
        ("message", voice("note1", 3)),
        ("message", {"sticker": {"file_id": "s", "file_unique_id": "s", "type": "regular", "width": 1, "height": 1,
                                 "is_animated": False, "is_video": False}}),
        ("edited_message", {"text": "Привет!", "edit_date": 1}),
    ],
)  # fmt: skip
async def test_access_list_refuses_every_kind_of_update(
    server: TelegramServer, kind: str, fields: dict[str, object]
) -> None:
    if "edit_date" in fields:
        fields = {**fields, "edit_date": int(time.time())}
    async with running_bot(
        server, access="listed", allowed_users=(ANNA,), unauthorized_message="Вам нельзя, {user_id}"
    ) as running:
        await server.push(kind, sender=user(BORIS), **fields)
        (sent,) = await server.wait_for_messages(1)
        await server.push(text="Мне можно", sender=user(ANNA))
        _, allowed = await server.wait_for_messages(2)
    assert sent.text == f"Вам нельзя, {BORIS}"
    assert allowed.text == "Ответ: Мне можно"
    assert [turn.question for turn in running.assistant.turns] == ["Мне можно"]
    assert running.conversations.restarted == []
    assert running.assistant.recognition_requests == []


async def test_listed_bot_without_list_admits_nobody(server: TelegramServer) -> None:
    async with running_bot(server, access="listed") as running:
        await server.push(text="Привет", sender=user(BORIS))
        (sent,) = await server.wait_for_messages(1)
        status = running.bot.status()
    assert str(BORIS) in sent.text
    assert (status.refused_id, status.refused_name) == (BORIS, "Иван")
    assert running.assistant.turns == []


async def test_group_message_is_answered_only_when_addressed(server: TelegramServer) -> None:
    bots_message = message(group_chat(), bot_user(), 900, text="Я тут")
    async with running_bot(server) as running:
        await server.push(text="болтовня", chat=group_chat())
        await server.push(**command("/help"), chat=group_chat())
        await server.push(**mention(f"😀 @{BOT_NAME} сколько времени?"), chat=group_chat())
        await server.push(text="а завтра?", chat=group_chat(), reply_to_message=bots_message)
        await server.push(**command(f"/new@{BOT_NAME}"), chat=group_chat())
        sent = await server.wait_for_messages(3)
    assert [turn.question for turn in running.assistant.turns] == ["😀 сколько времени?", "а завтра?"]
    assert running.assistant.turns[0].session_id == f"session-{GROUP}:{ANNA}"
    assert all(reply.chat_id == GROUP and "reply_parameters" in reply.fields for reply in sent)
    assert len(server.sent) == 3


async def test_edit_is_answered_only_if_text_changed(server: TelegramServer) -> None:
    now = int(time.time())
    async with running_bot(server) as running:
        number = await server.push(text="Сколько будет 2+2?")
        await server.wait_for_messages(1)
        await server.push("edited_message", text="Сколько будет 2+2?", message_id=number, edit_date=now)
        await server.push("edited_message", text="Сколько будет 2+3?", message_id=number, edit_date=now)
        await server.push("edited_message", text="из прошлой жизни", message_id=9_999, edit_date=now)
        await server.push(text="Конец")
        await server.wait_for_messages(3)
    assert [turn.question for turn in running.assistant.turns] == ["Сколько будет 2+2?", "Сколько будет 2+3?", "Конец"]


async def test_album_gets_one_reply(server: TelegramServer) -> None:
    photo = {"photo": [{"file_id": "p", "file_unique_id": "p", "width": 1, "height": 1}], "media_group_id": "42"}
    async with running_bot(server):
        await server.push(**photo)
        await server.push(**photo)
        await server.push(**command("/help"))
        refused, helped = await server.wait_for_messages(2)
    assert "текст и голосовые" in refused.text
    assert "/new" in helped.text
