"""/start, /new and /help."""

import logging

from aiogram import Bot, Router
from aiogram.filters import Command, CommandStart
from aiogram.types import BotCommand, Message

from bots.telegram.addressing import is_from_administrator
from bots.telegram.bot_texts import TEXTS_BY_LANGUAGE, BotTexts, bot_texts, welcome_text
from bots.telegram.keyboard import build_keyboard
from bots.telegram.outgoing import send_text
from bots.telegram.responder import BotResponder
from deployments.contracts.errors import SecretaryError
from deployments.contracts.instances import BotSpec

log = logging.getLogger(__name__)


def router() -> Router:
    found = Router(name="commands")
    found.message.register(start, CommandStart(ignore_case=True))
    found.message.register(start_new_conversation, Command("new", ignore_case=True))
    found.message.register(show_help, Command("help", ignore_case=True))
    return found


async def start(message: Message, bot: Bot, spec: BotSpec, responder: BotResponder) -> None:
    """Welcomes, also when the mode cannot be ended for the moment."""
    try:
        await responder.leave_mode(message)
    except SecretaryError as error:
        log.warning("bot %s: a mode was not ended: %s", spec.id, error.code)
    await send_text(bot, message, welcome_text(spec), build_keyboard(spec, message))


async def start_new_conversation(message: Message, bot: Bot, spec: BotSpec, responder: BotResponder) -> None:
    await responder.restart(message)
    await send_text(bot, message, bot_texts(spec.language).restarted, build_keyboard(spec, message))


async def show_help(message: Message, bot: Bot, spec: BotSpec) -> None:
    texts = bot_texts(spec.language)
    told = f"{texts.help}\n\n{texts.help_status}" if is_from_administrator(message, spec) else texts.help
    await send_text(bot, message, told, build_keyboard(spec, message))


async def publish_commands(bot: Bot, spec: BotSpec) -> None:
    """Fills the command menu: in each language for people who use it, in the bot's own for the rest."""
    await bot.set_my_commands(_menu(bot_texts(spec.language)))
    for language, texts in TEXTS_BY_LANGUAGE.items():
        await bot.set_my_commands(_menu(texts), language_code=language)


def _menu(texts: BotTexts) -> list[BotCommand]:
    described = {"start": texts.command_start, "new": texts.command_new, "help": texts.command_help}
    return [BotCommand(command=command, description=text) for command, text in described.items()]
