"""Shows "typing…" while an answer is on its way. Telegram forgets an action after five seconds, so it is repeated."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiogram import Bot
from aiogram.enums import ChatAction
from aiogram.exceptions import AiogramError
from aiogram.types import Message


@asynccontextmanager
async def busy(bot: Bot, to: Message, action: ChatAction, every_s: float) -> AsyncIterator[None]:
    """Keeps ``action`` visible inside the block. Never delays or fails what happens there."""
    task = asyncio.create_task(_keep(bot, to, action, every_s))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _keep(bot: Bot, to: Message, action: ChatAction, every_s: float) -> None:
    thread = to.message_thread_id if to.is_topic_message else None
    while True:
        with suppress(AiogramError):
            await bot.send_chat_action(to.chat.id, action, message_thread_id=thread, request_timeout=5)
        await asyncio.sleep(every_s)
