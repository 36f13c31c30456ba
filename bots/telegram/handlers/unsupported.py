"""Pictures, stickers and the rest: says what the bot can do instead, once per album."""

from aiogram import Bot, F, Router
from aiogram.enums import ChatType, ContentType
from aiogram.types import Message

from bots.telegram.bot_texts import bot_texts
from bots.telegram.outgoing import send_text
from bots.telegram.recent_messages import RecentMessages
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


def router() -> Router:
    found = Router(name="other")
    found.message.register(reply_unsupported, F.content_type.in_(_KINDS), F.chat.type == ChatType.PRIVATE)
    return found


async def reply_unsupported(message: Message, bot: Bot, spec: BotSpec, recent: RecentMessages) -> None:
    album = message.media_group_id
    if album is None or recent.remember(message.chat.id, album, "album"):
        await send_text(bot, message, bot_texts(spec.language).only_text_and_voice)
