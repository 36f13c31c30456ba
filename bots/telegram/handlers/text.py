"""Written questions, new and edited."""

from aiogram import Bot, F, Router
from aiogram.enums import ChatAction
from aiogram.types import Message, User

from bots.telegram.addressing import question_text
from bots.telegram.bot_texts import bot_texts
from bots.telegram.handlers.answer_delivery import send_answer
from bots.telegram.outgoing import send_text
from bots.telegram.recent_messages import RecentMessages
from bots.telegram.responder import BotResponder
from bots.telegram.typing_indicator import TypingIndicator
from deployments.contracts.instances import BotSpec


def router() -> Router:
    found = Router(name="text")
    found.message.register(answer_text_message, F.text)
    found.edited_message.register(answer_edited_message, F.text, ~F.text.startswith("/"))
    return found


async def answer_text_message(
    message: Message,
    bot: Bot,
    me: User,
    spec: BotSpec,
    responder: BotResponder,
    recent: RecentMessages,
    presence: TypingIndicator,
) -> None:
    asked = question_text(message, me)
    recent.remember(message.chat.id, message.message_id, asked)
    if not asked:
        await send_text(bot, message, bot_texts(spec.language).help)
        return
    async with presence.show(bot, message, ChatAction.TYPING):
        answer = await responder.answer(message, asked)
    await send_answer(bot, message, answer)


async def answer_edited_message(
    message: Message,
    bot: Bot,
    me: User,
    spec: BotSpec,
    responder: BotResponder,
    recent: RecentMessages,
    presence: TypingIndicator,
) -> None:
    """Answers an edit of a question this bot has seen. Telegram also reports edits that change no word; those, and
    edits of messages from before, stay unanswered."""
    seen = recent.contains(message.chat.id, message.message_id)
    if seen and recent.remember(message.chat.id, message.message_id, question_text(message, me)):
        await answer_text_message(message, bot, me, spec, responder, recent, presence)
