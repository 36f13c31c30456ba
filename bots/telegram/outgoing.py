"""Sends texts and voice notes to a chat. Texts are sent without a parse mode, so that markup in a model's answer stays
plain text."""

from aiogram import Bot
from aiogram.enums import ChatType
from aiogram.types import BufferedInputFile, LinkPreviewOptions, Message, ReplyParameters

from bots.telegram.keyboard import ReplyKeyboard
from bots.telegram.splitting import split_message

_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


async def send_text(bot: Bot, to: Message, text: str, keyboard: ReplyKeyboard | None = None) -> None:
    """Sends ``text`` in as many messages as it needs. In groups, and after an edit, the first one is a reply to ``to``.
    ``keyboard`` None keeps the keyboard that the client shows."""
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
    """Sends an OGG/Opus file, the only format that Telegram shows as a voice note
    (https://core.telegram.org/bots/api#sendvoice)."""
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
