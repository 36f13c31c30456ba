"""Carries answers to a chat: plain text in pieces, voice notes, refusals. Text never has a parse mode, so nothing a
model writes can become markup."""

from aiogram import Bot
from aiogram.enums import ChatType
from aiogram.types import BufferedInputFile, LinkPreviewOptions, Message, ReplyParameters

from bots.telegram.keyboard import ReplyKeyboard
from bots.telegram.splitting import split_message

_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


async def send_text(bot: Bot, to: Message, text: str, keyboard: ReplyKeyboard | None = None) -> None:
    """Answers ``to``; the first piece is a visible reply where several people talk or an old message was edited. None
    leaves the keyboard there is."""
    reply = _reply(to)
    for piece in split_message(text):
        await bot.send_message(
            chat_id=to.chat.id,
            text=piece,
            message_thread_id=_thread(to),
            reply_parameters=reply,
            reply_markup=keyboard,
            link_preview_options=_NO_PREVIEW,
            parse_mode=None,
        )
        reply = None


async def send_voice_note(bot: Bot, to: Message, ogg: bytes, seconds: float) -> None:
    """``ogg`` is an OGG file with Opus, the only kind Telegram shows as a voice note."""
    await bot.send_voice(
        chat_id=to.chat.id,
        voice=BufferedInputFile(ogg, filename="answer.ogg"),
        duration=max(1, round(seconds)),
        message_thread_id=_thread(to),
        reply_parameters=_reply(to),
    )


def _thread(to: Message) -> int | None:
    return to.message_thread_id if to.is_topic_message else None


def _reply(to: Message) -> ReplyParameters | None:
    if to.chat.type == ChatType.PRIVATE and to.edit_date is None:
        return None
    return ReplyParameters(message_id=to.message_id, allow_sending_without_reply=True)
