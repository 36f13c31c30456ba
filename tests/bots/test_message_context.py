"""What belongs to a message besides its text: replies, quotes, captions, audio documents, and groups that move."""

import pytest

from deployments.contracts.chat import ChatMessage
from tests.bots.bot_api_json import (
    BOT_NAME,
    GROUP,
    Fault,
    Json,
    bot_user,
    entity,
    group_chat,
    mention,
    message,
    private_chat,
    user,
    voice,
)
from tests.bots.fakes import ScriptedBotAssistant
from tests.bots.harness import running_bot
from tests.bots.telegram_server import TelegramServer

NEW_GROUP = -100_777
BASIC_GROUP = {"id": -555, "type": "group", "title": "Отдел"}


def replied(**fields: object) -> Json:
    return message(private_chat(1), user(1), 900, **fields)


@pytest.mark.parametrize(
    ("fields", "quoted"),
    [
        ({"reply_to_message": replied(text="Счёт на 500 рублей")}, "Счёт на 500 рублей"),
        ({"reply_to_message": replied(caption="Наш склад", photo=[])}, "Наш склад"),
        (
            {"reply_to_message": replied(text="Один. Два."), "quote": {"text": "Два.", "position": 6}},
            "Два.",
        ),
        ({"reply_to_message": message(private_chat(1), bot_user(), 901, text="Ответ бота")}, "Ответ бота"),
    ],
)
async def test_replied_or_quoted_text_reaches_the_model(server: TelegramServer, fields: Json, quoted: str) -> None:
    async with running_bot(server) as running:
        await server.push(text="Что это?", **fields)
        (sent,) = await server.wait_for_messages(1)
    (turn,) = running.assistant.turns
    assert turn.messages == (
        ChatMessage("user", f"Я отвечаю на сообщение: «{quoted}»"),
        ChatMessage("user", "Что это?"),
    )
    assert (turn.question, sent.text) == ("Что это?", "Ответ: Что это?")


async def test_reply_in_a_group_reaches_the_model(server: TelegramServer) -> None:
    original = message(group_chat(), user(5), 900, text="Встреча в пять")
    async with running_bot(server, language="en") as running:
        await server.push(chat=group_chat(), reply_to_message=original, **mention(f"@{BOT_NAME} when?"))
        await server.wait_for_messages(1)
    assert [m.content for m in running.assistant.turns[0].messages] == [
        "I am replying to this message: “Встреча в пять”",
        "when?",
    ]


@pytest.mark.parametrize("transcript", ["какой у вас адрес", ""])
async def test_caption_of_a_recording_reaches_the_model(server: TelegramServer, transcript: str) -> None:
    server.files["note1"] = b"OggS"
    caption = f"@{BOT_NAME} Переведи это"
    async with running_bot(server, ScriptedBotAssistant(transcript=transcript)) as running:
        entities = [entity(caption, f"@{BOT_NAME}", "mention")]
        await server.push(**voice("note1", 4), caption=caption, caption_entities=entities)
        await server.wait_until(lambda: len(running.assistant.turns) == 1)
    assert running.assistant.turns[0].question == "\n\n".join(filter(None, ("Переведи это", transcript)))


@pytest.mark.parametrize(
    ("file", "heard"),
    [
        ({"mime_type": "audio/x-wav", "file_name": "call.wav"}, True),
        ({"mime_type": "application/octet-stream", "file_name": "Запись.M4A"}, True),
        ({"mime_type": "application/ogg"}, True),
        ({"file_name": "call.mp3"}, True),
        ({"mime_type": "application/pdf", "file_name": "mp3.pdf"}, False),
        ({}, False),
    ],
)
async def test_audio_document_is_transcribed(server: TelegramServer, file: Json, heard: bool) -> None:
    server.files["doc1"] = b"RIFF"
    async with running_bot(server) as running:
        await server.push(document={"file_id": "doc1", "file_unique_id": "u1", "file_size": 4, **file})
        (sent, *_) = await server.wait_for_messages(1)
    assert bool(running.assistant.recognition_requests) == heard
    assert ("какой у вас адрес" in sent.text) == heard


async def test_answer_follows_a_group_that_moves(server: TelegramServer) -> None:
    server.fail("sendMessage", Fault(migrate_to=NEW_GROUP))
    async with running_bot(server) as running:
        await server.push(chat=BASIC_GROUP, **mention(f"@{BOT_NAME} Где вы?"))
        await server.push(chat=BASIC_GROUP, **mention(f"@{BOT_NAME} Алло?"))
        sent = await server.wait_for_messages(2)
    assert [each.chat_id for each in sent] == [NEW_GROUP, NEW_GROUP]
    assert running.conversations.moved == [("-555", str(NEW_GROUP))]
    assert running.bot.status().failures == 0


@pytest.mark.parametrize(
    ("chat", "fields"),
    [(BASIC_GROUP, {"migrate_to_chat_id": GROUP}), (group_chat(), {"migrate_from_chat_id": -555})],
)
async def test_announced_move_keeps_the_conversations(server: TelegramServer, chat: Json, fields: Json) -> None:
    async with running_bot(server) as running:
        await server.push(chat=chat, **fields)
        await server.push(chat=chat, **fields)
        await server.wait_until(lambda: bool(running.conversations.moved))
    assert running.conversations.moved == [("-555", str(GROUP))]
    assert running.assistant.turns == []
