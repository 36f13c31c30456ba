"""Written questions, new and edited."""

from aiogram import Bot, F, Router
from aiogram.enums import ChatAction
from aiogram.types import Message, User

from bots.telegram.addressing import question
from bots.telegram.courier import send_text
from bots.telegram.handlers.outcome import deliver
from bots.telegram.phrases import phrases
from bots.telegram.presence import Presence
from bots.telegram.recent import Recent
from bots.telegram.responder import Responder
from deployments.contracts.instances import BotSpec


def router() -> Router:
    found = Router(name="text")
    found.message.register(ask, F.text)
    found.edited_message.register(ask_again, F.text, ~F.text.startswith("/"))
    return found


async def ask(
    message: Message, bot: Bot, me: User, spec: BotSpec, responder: Responder, recent: Recent, presence: Presence
) -> None:
    asked = question(message, me)
    recent.remember(message.chat.id, message.message_id, asked)
    if not asked:
        await send_text(bot, message, phrases(spec.language).help)
        return
    async with presence.busy(bot, message, ChatAction.TYPING):
        answer = await responder.answer(message, asked)
    await deliver(bot, message, answer)


async def ask_again(
    message: Message, bot: Bot, me: User, spec: BotSpec, responder: Responder, recent: Recent, presence: Presence
) -> None:
    """Answers an edit of a question this bot has seen. Telegram also reports edits that change no word; those, and
    edits of messages from before, stay unanswered."""
    seen = recent.knows(message.chat.id, message.message_id)
    if seen and recent.remember(message.chat.id, message.message_id, question(message, me)):
        await ask(message, bot, me, spec, responder, recent, presence)
