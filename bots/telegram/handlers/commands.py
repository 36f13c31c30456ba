"""/start, /new and /help."""

from aiogram import Bot, Router
from aiogram.filters import Command, CommandStart
from aiogram.types import BotCommand, Message

from bots.telegram.courier import send_text
from bots.telegram.phrases import BY_LANGUAGE, Phrases, phrases, welcome
from bots.telegram.responder import Responder
from deployments.contracts.instances import BotSpec


def router() -> Router:
    found = Router(name="commands")
    found.message.register(start, CommandStart(ignore_case=True))
    found.message.register(new, Command("new", ignore_case=True))
    found.message.register(show_help, Command("help", ignore_case=True))
    return found


async def start(message: Message, bot: Bot, spec: BotSpec) -> None:
    await send_text(bot, message, welcome(spec))


async def new(message: Message, bot: Bot, spec: BotSpec, responder: Responder) -> None:
    await responder.restart(message)
    await send_text(bot, message, phrases(spec.language).restarted)


async def show_help(message: Message, bot: Bot, spec: BotSpec) -> None:
    await send_text(bot, message, phrases(spec.language).help)


async def publish(bot: Bot, spec: BotSpec) -> None:
    """Fills the command menu: in each language for people who use it, in the bot's own for the rest."""
    await bot.set_my_commands(_menu(phrases(spec.language)))
    for language, texts in BY_LANGUAGE.items():
        await bot.set_my_commands(_menu(texts), language_code=language)


def _menu(texts: Phrases) -> list[BotCommand]:
    described = {"start": texts.command_start, "new": texts.command_new, "help": texts.command_help}
    return [BotCommand(command=command, description=text) for command, text in described.items()]
