"""Retries requests that failed for a temporary reason."""

import asyncio
import logging
from typing import Any

from aiogram import Bot
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.exceptions import (
    TelegramEntityTooLarge,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import GetFile, SendMessage, SendVoice, TelegramMethod

from bots.backoff import backoff_delay_s
from bots.telegram.bot_limits import BotLimits

log = logging.getLogger(__name__)

_RETRIED = (SendMessage, SendVoice, GetFile)


class SendRetry(BaseRequestMiddleware):
    """Retries sends and file requests after flood control, server errors and network errors.

    Flood control is waited for when ``retry_after`` is at most ``max_flood_wait_s``. When only the reply to a send is
    lost, the message is sent twice. Polling has its own policy; chat actions are not retried.
    """

    def __init__(self, limits: BotLimits) -> None:
        self._limits = limits

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[Any],
        bot: Bot,
        method: TelegramMethod[Any],
    ) -> Any:
        attempts = self._limits.send_attempts if isinstance(method, _RETRIED) else 1
        for attempt in range(1, attempts):
            try:
                return await make_request(bot, method)
            except (TelegramRetryAfter, TelegramServerError, TelegramNetworkError) as error:
                wait = self._retry_delay_s(error, attempt)
                if wait is None:
                    raise
                log.warning("%s failed (%s), next try in %.1f s", type(method).__name__, type(error).__name__, wait)
            await asyncio.sleep(wait)
        return await make_request(bot, method)

    def _retry_delay_s(self, error: Exception, attempt: int) -> float | None:
        """Seconds to wait before the next attempt; None when there should be none."""
        if isinstance(error, TelegramEntityTooLarge):
            return None
        if isinstance(error, TelegramRetryAfter):
            return float(error.retry_after) if error.retry_after <= self._limits.max_flood_wait_s else None
        return backoff_delay_s(attempt, self._limits.first_retry_s, self._limits.max_retry_s)
