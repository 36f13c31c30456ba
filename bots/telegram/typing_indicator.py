"""Shows "typing…" while an answer is prepared (https://core.telegram.org/bots/api#sendchataction)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiogram import Bot
from aiogram.enums import ChatAction
from aiogram.exceptions import AiogramError
from aiogram.types import Message


class TypingIndicator:
    """Sends a chat action every ``interval_s`` seconds: clients show one for five seconds. Sends none unless
    ``enabled``."""

    def __init__(self, enabled: bool, interval_s: float) -> None:
        self._enabled = enabled
        self._interval_s = interval_s

    @asynccontextmanager
    async def show(self, bot: Bot, to: Message, action: ChatAction) -> AsyncIterator[None]:
        """Shows ``action`` during the block. Errors and delays of Telegram do not affect the block."""
        if not self._enabled:
            yield
            return
        task = asyncio.create_task(self._repeat(bot, to, action))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _repeat(self, bot: Bot, to: Message, action: ChatAction) -> None:
        thread = to.message_thread_id if to.is_topic_message else None
        while True:
            with suppress(AiogramError):
                await bot.send_chat_action(to.chat.id, action, message_thread_id=thread, request_timeout=5)
            await asyncio.sleep(self._interval_s)
