"""Shows "typing…" while an answer is on its way. Telegram forgets an action after five seconds, so it is repeated."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiogram import Bot
from aiogram.enums import ChatAction
from aiogram.exceptions import AiogramError
from aiogram.types import Message


class TypingIndicator:
    """Repeats an action every ``every_s`` seconds; with ``shown`` off it shows nothing."""

    def __init__(self, enabled: bool, interval_s: float) -> None:
        self._shown = enabled
        self._every_s = interval_s

    @asynccontextmanager
    async def show(self, bot: Bot, to: Message, action: ChatAction) -> AsyncIterator[None]:
        """Keeps ``action`` visible inside the block. Never delays or fails what happens there."""
        if not self._shown:
            yield
            return
        task = asyncio.create_task(self._keep(bot, to, action))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _keep(self, bot: Bot, to: Message, action: ChatAction) -> None:
        thread = to.message_thread_id if to.is_topic_message else None
        while True:
            with suppress(AiogramError):
                await bot.send_chat_action(to.chat.id, action, message_thread_id=thread, request_timeout=5)
            await asyncio.sleep(self._every_s)
