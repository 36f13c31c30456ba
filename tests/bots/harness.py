"""Runs a real TelegramBot against the local Bot API server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from bots.telegram.bot import TelegramBot
from bots.telegram.reach import Policy
from bots.telegram.tuning import Tuning
from deployments.audio.encode import ogg_opus_file
from deployments.contracts.instances import BotSpec
from tests.bots.fakes import LOOPBACK, MemoryConversations, ScriptedAssistant
from tests.bots.server import TelegramServer
from tests.bots.wire import TOKEN

FAST = Tuning(
    poll_s=2, request_s=3, first_retry_s=0.05, longest_retry_s=0.3, longest_flood_wait_s=2, turn_s=5, stop_grace_s=2
)


@dataclass
class Scene:
    server: TelegramServer
    bot: TelegramBot
    assistant: ScriptedAssistant
    conversations: MemoryConversations
    task: asyncio.Task[None]


@asynccontextmanager
async def scene(
    server: TelegramServer,
    assistant: ScriptedAssistant | None = None,
    conversations: MemoryConversations | None = None,
    tuning: Tuning = FAST,
    token: str = TOKEN,
    policy: Policy = lambda: LOOPBACK,
    **spec: object,
) -> AsyncIterator[Scene]:
    """A running bot; stopped at the end of the block."""
    assistant, conversations = assistant or ScriptedAssistant(), conversations or MemoryConversations()
    row = BotSpec.model_validate({"id": "front", "name": "Приёмная", "api_url": server.url, **spec})
    bot = TelegramBot(row, token, assistant, conversations, ogg_opus_file, tuning, policy)
    task = asyncio.create_task(bot.run())
    try:
        yield Scene(server, bot, assistant, conversations, task)
    finally:
        await bot.stop()
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()


def lost(url: str) -> TelegramBot:
    """A bot, not yet running, whose server is not there."""
    row = BotSpec(id="b", name="b", api_url=url)
    return TelegramBot(row, TOKEN, ScriptedAssistant(), MemoryConversations(), None, FAST, lambda: LOOPBACK)


def tuned(**changes: float) -> Tuning:
    """The fast pace with some of its bounds changed."""
    return replace(FAST, **changes)  # type: ignore[arg-type]
