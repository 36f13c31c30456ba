"""Retries requests that failed for a temporary reason."""

import asyncio
import logging
from typing import Any

from aiogram import Bot
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.exceptions import (
    TelegramEntityTooLarge,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import GetFile, SendMessage, SendVoice, TelegramMethod

from bots.backoff import backoff_delay_s
from bots.telegram.bot_limits import BotLimits
from bots.telegram.chat_migrations import ChatMigrations

log = logging.getLogger(__name__)

_RETRIED = (SendMessage, SendVoice, GetFile)


class SendRetry(BaseRequestMiddleware):
    """Retries sends and file requests after flood control, server errors and network errors.

    Flood control is waited for when ``retry_after`` is at most ``max_flood_wait_s``. When only the reply to a send is
    lost, the message is sent twice. Polling has its own policy; chat actions are not retried. Messages to a group that
    became a supergroup are sent to the supergroup.
    """

    def __init__(self, limits: BotLimits, migrations: ChatMigrations) -> None:
        self._limits = limits
        self._migrations = migrations

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[Any],
        bot: Bot,
        method: TelegramMethod[Any],
    ) -> Any:
        method = self._migrations.follow(method)
        attempts = self._limits.send_attempts if isinstance(method, _RETRIED) else 1
        for attempt in range(1, attempts):
            try:
                return await make_request(bot, method)
            except TelegramMigrateToChat as error:
                method = await self._moved(method, error)
                continue
            except (TelegramRetryAfter, TelegramServerError, TelegramNetworkError) as error:
                wait = self._retry_delay_s(error, attempt)
                if wait is None:
                    raise
                log.warning("%s failed (%s), next try in %.1f s", type(method).__name__, type(error).__name__, wait)
            await asyncio.sleep(wait)
        try:
            return await make_request(bot, method)
        except TelegramMigrateToChat as error:
            return await make_request(bot, await self._moved(method, error))

    async def _moved(self, method: TelegramMethod[Any], error: TelegramMigrateToChat) -> TelegramMethod[Any]:
        """``method`` for the chat that Telegram names. Raises ``error`` when there is no such chat."""
        await self._migrations.moved(getattr(method, "chat_id", None), error.migrate_to_chat_id)
        followed = self._migrations.follow(method)
        if followed is method:
            raise error
        return followed

    def _retry_delay_s(self, error: Exception, attempt: int) -> float | None:
        """Seconds to wait before the next attempt; None when there should be none."""
        if isinstance(error, TelegramEntityTooLarge):
            return None
        if isinstance(error, TelegramRetryAfter):
            return float(error.retry_after) if error.retry_after <= self._limits.max_flood_wait_s else None
        return backoff_delay_s(attempt, self._limits.first_retry_s, self._limits.max_retry_s)
