"""Replies to pictures, stickers and other unsupported messages, once for each album."""

from aiogram import Bot, F, Router
from aiogram.enums import ChatType, ContentType
from aiogram.types import Message

from bots.telegram.outgoing import send_text
from bots.telegram.recent_messages import RecentMessages
from deployments.contracts.bot_texts import bot_texts
from deployments.contracts.instances import BotSpec

_KINDS = {
    ContentType.PHOTO,
    ContentType.VIDEO,
    ContentType.ANIMATION,
    ContentType.DOCUMENT,
    ContentType.STICKER,
    ContentType.LOCATION,
    ContentType.CONTACT,
    ContentType.POLL,
    ContentType.DICE,
}


def build_router() -> Router:
    router = Router(name="unsupported")
    router.message.register(reply_unsupported, F.content_type.in_(_KINDS), F.chat.type == ChatType.PRIVATE)
    return router


async def reply_unsupported(message: Message, bot: Bot, spec: BotSpec, recent_messages: RecentMessages) -> None:
    album = message.media_group_id
    if album is None or recent_messages.remember(message.chat.id, album, "album"):
        await send_text(bot, message, bot_texts(spec.language).only_text_and_voice)
