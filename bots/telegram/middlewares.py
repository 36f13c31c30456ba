"""Middlewares around the handlers. They count updates, check the access list and reply when a handler fails."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware, Bot
from aiogram.exceptions import AiogramError, TelegramForbiddenError
from aiogram.types import Message, TelegramObject, Update

from bots.telegram.addressing import display_name, message_of
from bots.telegram.outgoing import send_text
from bots.telegram.status_recorder import StatusRecorder
from bots.telegram.token_redaction import redact_tokens
from deployments.contracts.bot_texts import error_text, unauthorized_text
from deployments.contracts.errors import SecretaryError
from deployments.contracts.instances import BotSpec

log = logging.getLogger(__name__)

NextHandler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


class AccessListMiddleware(BaseMiddleware):
    """Passes updates of allowed users and administrators to the handler, refuses all others and notes who was refused.

    A sender without a visible identity (an anonymous group administrator, a channel) is refused unless everyone may
    use the bot.
    """

    def __init__(self, spec: BotSpec, recorder: StatusRecorder) -> None:
        self._spec = spec
        self._recorder = recorder

    async def __call__(self, handler: NextHandler, event: TelegramObject, data: dict[str, Any]) -> Any:
        message = _message(event)
        user_id = message.from_user.id if message is not None and message.from_user else None
        if self._spec.admits(user_id):
            return await handler(event, data)
        if message is not None:
            if message.from_user is not None and not message.from_user.is_bot:
                self._recorder.note_refused(message.from_user.id, display_name(message))
            await send_text(data["bot"], message, unauthorized_text(self._spec, user_id or 0))
        return None


class ErrorReplyMiddleware(BaseMiddleware):
    """Counts updates and replies with the bot's error text when a handler fails. Message texts are never logged."""

    def __init__(self, spec: BotSpec, recorder: StatusRecorder) -> None:
        self._spec = spec
        self._recorder = recorder

    async def __call__(self, handler: NextHandler, event: TelegramObject, data: dict[str, Any]) -> Any:
        self._recorder.count_update()
        try:
            return await handler(event, data)
        except TelegramForbiddenError:
            log.info("bot %s: the user has blocked the bot or left the chat", self._spec.id)
        except Exception as error:
            self._recorder.count_failure(describe_error(error))
            log.warning(
                "bot %s: %s", self._spec.id, describe_error(error), exc_info=not isinstance(error, SecretaryError)
            )
            await self._send_error_text(data["bot"], _message(event))
        return None

    async def _send_error_text(self, bot: Bot, message: Message | None) -> None:
        if message is None:
            return
        try:
            await send_text(bot, message, error_text(self._spec))
        except AiogramError as error:
            log.warning("bot %s: the error text was not sent: %s", self._spec.id, describe_error(error))


class MessageAgeLimit:
    """Decides whether a message is recent enough to be answered, see BotLimits.max_message_age_s."""

    def __init__(self, max_age_s: float, now: Callable[[], float] = time.time) -> None:
        self._max_age_s = max_age_s
        self._now = now

    def __call__(self, message: Message) -> bool:
        written = message.edit_date or message.date.timestamp()
        return self._now() - written <= self._max_age_s


def describe_error(error: Exception) -> str:
    """One line for logs and the panel, without tokens and without Ray's traceback."""
    if isinstance(error, SecretaryError):
        return redact_tokens(f"{error.code}: {error.message}")
    return redact_tokens(f"{type(error).__name__}: {error}".splitlines()[0])[:300]


def _message(event: TelegramObject) -> Message | None:
    return message_of(event) if isinstance(event, Update) else None
