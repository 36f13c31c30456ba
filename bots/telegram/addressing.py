"""Whom a message is meant for, who wrote it and which conversation it belongs to."""

from aiogram.enums import ChatType, MessageEntityType
from aiogram.types import Message, MessageEntity, Update, User

from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.instances import BotSpec


def message_of(update: Update) -> Message | None:
    """The message in ``update``, new or edited."""
    return update.message or update.edited_message


def is_addressed(message: Message, me: User) -> bool:
    """Private messages always; in groups only a mention, a command for this bot by name, or a reply to it."""
    if message.from_user is not None and message.from_user.is_bot and message.sender_chat is None:
        return False
    if message.chat.type == ChatType.PRIVATE:
        return True
    if message.chat.type == ChatType.CHANNEL:
        return False
    replied = message.reply_to_message
    if replied is not None and replied.from_user is not None and replied.from_user.id == me.id:
        return True
    return any(_names(entity, _text(message), me) for entity in _entities(message))


def question_text(message: Message, me: User) -> str:
    """What was asked, without the mention that called the bot in a group."""
    text = _text(message)
    for entity in reversed(_entities(message)):
        if entity.type == MessageEntityType.MENTION and _names(entity, text, me):
            text = _without(entity, text)
    return text.strip()


def person_id(message: Message) -> str:
    """A stable id of who talks where: in a group everyone has a conversation of their own with the bot."""
    writer = message.from_user.id if message.from_user else message.chat.id
    return str(writer) if message.chat.type == ChatType.PRIVATE else f"{message.chat.id}:{writer}"


def is_from_administrator(message: Message, spec: BotSpec) -> bool:
    """Whether an administrator of the bot wrote it, who can be seen to be one."""
    return message.from_user is not None and message.from_user.id in spec.admin_users


def display_name(message: Message) -> str:
    return message.from_user.full_name if message.from_user else message.chat.full_name


def bot_source(bot_id: str) -> TurnSource:
    return TurnSource(SourceKind.TELEGRAM, bot_id)


def _text(message: Message) -> str:
    return message.text or message.caption or ""


def _entities(message: Message) -> list[MessageEntity]:
    return message.entities or message.caption_entities or []


def _names(entity: MessageEntity, text: str, me: User) -> bool:
    if entity.type == MessageEntityType.TEXT_MENTION:
        return entity.user is not None and entity.user.id == me.id
    name = f"@{me.username}".lower()
    said = entity.extract_from(text).lower()
    if entity.type == MessageEntityType.MENTION:
        return said == name
    return entity.type == MessageEntityType.BOT_COMMAND and said.endswith(name)


def _without(entity: MessageEntity, text: str) -> str:
    """``text`` without ``entity``, whose offsets count UTF-16 code units."""
    raw = text.encode("utf-16-le")
    before, after = raw[: entity.offset * 2], raw[(entity.offset + entity.length) * 2 :]
    return f"{before.decode('utf-16-le').rstrip()} {after.decode('utf-16-le').lstrip()}".strip()
