"""Sends the answer of a turn."""

from aiogram import Bot
from aiogram.types import Message

from bots.telegram.outgoing import send_text
from bots.telegram.responder import BotAnswer
from deployments.contracts.errors import EngineFailed


async def send_answer(bot: Bot, message: Message, answer: BotAnswer) -> None:
    """Sends the text of the answer. Raises EngineFailed when the turn failed or the text is empty."""
    if answer.text.strip():
        await send_text(bot, message, answer.text)
    if answer.failure is not None:
        raise EngineFailed(f"{answer.failure.code}: {answer.failure.message}")
    if not answer.text.strip():
        raise EngineFailed("the assistant returned no text")
