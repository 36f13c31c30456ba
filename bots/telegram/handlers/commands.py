"""The commands /start, /new and /help, and the command menu."""

import logging

from aiogram import Bot, Router
from aiogram.filters import Command, CommandStart
from aiogram.types import BotCommand, Message

from bots.telegram.addressing import is_from_administrator
from bots.telegram.keyboard import build_keyboard
from bots.telegram.outgoing import send_text
from bots.telegram.responder import BotResponder
from deployments.contracts.bot_texts import TEXTS_BY_LANGUAGE, BotTexts, bot_texts, help_text, welcome_text
from deployments.contracts.errors import SecretaryError
from deployments.contracts.instances import BotSpec

log = logging.getLogger(__name__)


def build_router() -> Router:
    router = Router(name="commands")
    router.message.register(start, CommandStart(ignore_case=True))
    router.message.register(start_new_conversation, Command("new", ignore_case=True))
    router.message.register(show_help, Command("help", ignore_case=True))
    return router


async def start(message: Message, bot: Bot, spec: BotSpec, responder: BotResponder) -> None:
    """Ends the mode and sends the welcome text, even if the mode cannot be ended."""
    try:
        await responder.leave_mode(message)
    except SecretaryError as error:
        log.warning("bot %s: the mode was not ended: %s", spec.id, error.code)
    await send_text(bot, message, welcome_text(spec), build_keyboard(spec, message))


async def start_new_conversation(message: Message, bot: Bot, spec: BotSpec, responder: BotResponder) -> None:
    await responder.restart(message)
    await send_text(bot, message, bot_texts(spec.language).restarted, build_keyboard(spec, message))


async def show_help(message: Message, bot: Bot, spec: BotSpec) -> None:
    text = help_text(spec)
    if is_from_administrator(message, spec):
        text = f"{text}\n\n{bot_texts(spec.language).help_status}"
    await send_text(bot, message, text, build_keyboard(spec, message))


async def publish_commands(bot: Bot, spec: BotSpec) -> None:
    """Sets the command menu for each supported language, and in the bot's language for all others."""
    await bot.set_my_commands(_menu(bot_texts(spec.language)))
    for language, texts in TEXTS_BY_LANGUAGE.items():
        await bot.set_my_commands(_menu(texts), language_code=language)


def _menu(texts: BotTexts) -> list[BotCommand]:
    described = {"start": texts.command_start, "new": texts.command_new, "help": texts.command_help}
    return [BotCommand(command=command, description=text) for command, text in described.items()]
