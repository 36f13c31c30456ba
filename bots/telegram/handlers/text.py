"""Text messages, new and edited."""

from aiogram import Bot, F, Router
from aiogram.enums import ChatAction
from aiogram.types import Message, User

from bots.telegram.addressing import question_text
from bots.telegram.handlers.answer_delivery import send_answer
from bots.telegram.outgoing import send_text
from bots.telegram.recent_messages import RecentMessages
from bots.telegram.responder import BotResponder
from bots.telegram.typing_indicator import TypingIndicator
from deployments.contracts.bot_texts import bot_texts
from deployments.contracts.instances import BotSpec


def build_router() -> Router:
    router = Router(name="text")
    router.message.register(answer_text_message, F.text)
    router.edited_message.register(answer_edited_message, F.text, ~F.text.startswith("/"))
    return router


async def answer_text_message(
    message: Message,
    bot: Bot,
    me: User,
    spec: BotSpec,
    responder: BotResponder,
    recent_messages: RecentMessages,
    typing_indicator: TypingIndicator,
) -> None:
    question = question_text(message, me)
    recent_messages.remember(message.chat.id, message.message_id, question)
    if not question:
        await send_text(bot, message, bot_texts(spec.language).help)
        return
    async with typing_indicator.show(bot, message, ChatAction.TYPING):
        answer = await responder.answer(message, question)
    await send_answer(bot, message, answer)


async def answer_edited_message(
    message: Message,
    bot: Bot,
    me: User,
    spec: BotSpec,
    responder: BotResponder,
    recent_messages: RecentMessages,
    typing_indicator: TypingIndicator,
) -> None:
    """Answers an edit of a message that this process has seen, if the text has changed. Telegram also reports edits
    without a change of the text."""
    seen = recent_messages.contains(message.chat.id, message.message_id)
    if seen and recent_messages.remember(message.chat.id, message.message_id, question_text(message, me)):
        await answer_text_message(message, bot, me, spec, responder, recent_messages, typing_indicator)
