"""/status: how the bot does, told to its administrators."""

from aiogram import Bot, Router
from aiogram.filters import Command
from aiogram.types import Message

from bots.status import BotStatus
from bots.telegram.addressing import by_administrator
from bots.telegram.board import Board
from bots.telegram.courier import send_text
from bots.telegram.phrases import phrases
from bots.telegram.responder import Condition, Responder
from deployments.contracts.instances import BotSpec


def router() -> Router:
    found = Router(name="status")
    found.message.register(show_status, Command("status", ignore_case=True))
    return found


async def show_status(message: Message, bot: Bot, spec: BotSpec, responder: Responder, board: Board) -> None:
    if by_administrator(message, spec):
        told = report(spec, board.status, await responder.condition())
    else:
        told = phrases(spec.language).for_administrators
    await send_text(bot, message, told)


def report(spec: BotSpec, status: BotStatus, condition: Condition) -> str:
    """Some lines about the bot, its people and what stands behind it."""
    texts = phrases(spec.language)
    listed = len({*spec.allowed_users, *spec.admin_users})
    return texts.status.format(
        username=status.username,
        version=status.version,
        access=texts.access_listed.format(count=listed) if spec.allowed_users else texts.access_open,
        api_url=spec.api_url,
        sessions="?" if condition.sessions is None else condition.sessions,
        updates=status.updates,
        failures=status.failures,
        last_failure=status.last_failure or "—",
        not_ready=", ".join(condition.not_ready) or "—",
    )
