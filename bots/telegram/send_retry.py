"""Delivers what was written: retries a send that Telegram or the network refused for the moment, within bounds."""

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
    """Waits out flood control (``retry_after`` up to ``longest_flood_wait_s``), server errors and network loss.

    A lost reply to a send that did arrive leads to a second copy: better than an answer that never comes. Polling has
    its own policy, and chat actions are not worth a retry.
    """

    def __init__(self, limits: BotLimits) -> None:
        self._tuning = limits

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[Any],
        bot: Bot,
        method: TelegramMethod[Any],
    ) -> Any:
        attempts = self._tuning.send_attempts if isinstance(method, _RETRIED) else 1
        for attempt in range(1, attempts):
            try:
                return await make_request(bot, method)
            except (TelegramRetryAfter, TelegramServerError, TelegramNetworkError) as error:
                wait = self._wait(error, attempt)
                if wait is None:
                    raise
                log.warning("%s failed (%s), next try in %.1f s", type(method).__name__, type(error).__name__, wait)
            await asyncio.sleep(wait)
        return await make_request(bot, method)

    def _wait(self, error: Exception, attempt: int) -> float | None:
        """Seconds before the next try, or None when trying again is useless or would take too long."""
        if isinstance(error, TelegramEntityTooLarge):
            return None
        if isinstance(error, TelegramRetryAfter):
            return float(error.retry_after) if error.retry_after <= self._tuning.max_flood_wait_s else None
        return backoff_delay_s(attempt, self._tuning.first_retry_s, self._tuning.max_retry_s)
