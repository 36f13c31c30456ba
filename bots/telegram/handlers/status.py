"""The command /status for the bot's administrators."""

from aiogram import Bot, Router
from aiogram.filters import Command
from aiogram.types import Message

from bots.bot_status import BotStatus
from bots.telegram.addressing import is_from_administrator
from bots.telegram.outgoing import send_text
from bots.telegram.responder import BackendStatus, BotResponder
from bots.telegram.status_recorder import StatusRecorder
from deployments.contracts.bot_texts import bot_texts
from deployments.contracts.instances import BotSpec


def build_router() -> Router:
    router = Router(name="status")
    router.message.register(show_status, Command("status", ignore_case=True))
    return router


async def show_status(
    message: Message, bot: Bot, spec: BotSpec, responder: BotResponder, recorder: StatusRecorder
) -> None:
    if is_from_administrator(message, spec):
        text = status_text(spec, recorder.status, await responder.backend_status())
    else:
        text = bot_texts(spec.language).administrators_only
    await send_text(bot, message, text)


def status_text(spec: BotSpec, status: BotStatus, condition: BackendStatus) -> str:
    """The status of the bot, its users and its engines, one line for each."""
    texts = bot_texts(spec.language)
    allowed_count = len({*spec.allowed_users, *spec.admin_users})
    return texts.status.format(
        username=status.username,
        version=status.version,
        access=texts.access_open if spec.access == "everyone" else texts.access_listed.format(count=allowed_count),
        api_url=spec.api_url,
        sessions="?" if condition.conversation_count is None else condition.conversation_count,
        updates=status.updates,
        failures=status.failures,
        last_failure=status.last_failure or "—",
        not_ready=", ".join(condition.engines_not_ready) or "—",
    )
