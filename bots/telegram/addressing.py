"""Reads from a message whether it is addressed to the bot, who wrote it and which conversation it belongs to."""

from aiogram.enums import ChatType, MessageEntityType
from aiogram.types import Message, MessageEntity, Update, User

from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.instances import BotSpec


def message_of(update: Update) -> Message | None:
    """The message in ``update``, new or edited."""
    return update.message or update.edited_message


def is_addressed(message: Message, me: User) -> bool:
    """Whether the bot should answer. In a private chat it always should; in a group only when the message mentions it,
    is a command that names it, or replies to it. Channels and other bots are not answered."""
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
    """The text or caption of a message without mentions of the bot."""
    text = _text(message)
    for entity in reversed(_entities(message)):
        if entity.type == MessageEntityType.MENTION and _names(entity, text, me):
            text = _without(entity, text)
    return text.strip()


def quoted_text(message: Message) -> str:
    """The part that the sender quotes of another message, or the text of the message that is replied to."""
    if message.quote is not None and message.quote.text.strip():
        return message.quote.text.strip()
    replied = message.reply_to_message
    is_topic = replied is not None and replied.forum_topic_created is not None
    return "" if replied is None or is_topic else _text(replied).strip()


def person_id(message: Message) -> str:
    """A stable id for the conversation of the sender. Each member of a group has a separate conversation."""
    sender = message.from_user.id if message.from_user else message.chat.id
    return str(sender) if message.chat.type == ChatType.PRIVATE else f"{message.chat.id}:{sender}"


def is_from_administrator(message: Message, spec: BotSpec) -> bool:
    """Whether the visible sender is an administrator of the bot."""
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
    """Removes ``entity`` from ``text``. The offsets of entities count UTF-16 code units."""
    raw = text.encode("utf-16-le")
    before, after = raw[: entity.offset * 2], raw[(entity.offset + entity.length) * 2 :]
    return f"{before.decode('utf-16-le').rstrip()} {after.decode('utf-16-le').lstrip()}".strip()
