"""Runs a real TelegramBot against the local Bot API server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from bots.telegram.bot import TelegramBot
from bots.telegram.bot_limits import BotLimits
from bots.telegram.checked_session import PolicyProvider
from deployments.audio.encode import ogg_opus_file
from deployments.contracts.instances import BotSpec
from tests.bots.bot_api_json import TOKEN
from tests.bots.fakes import LOOPBACK_POLICY, MemoryConversations, ScriptedBotAssistant
from tests.bots.telegram_server import TelegramServer

FAST_LIMITS = BotLimits(
    poll_timeout_s=2,
    request_timeout_s=3,
    first_retry_s=0.05,
    max_retry_s=0.3,
    max_flood_wait_s=2,
    turn_timeout_s=5,
    stop_grace_s=2,
)


@dataclass
class RunningBot:
    server: TelegramServer
    bot: TelegramBot
    assistant: ScriptedBotAssistant
    conversations: MemoryConversations
    task: asyncio.Task[None]


@asynccontextmanager
async def running_bot(
    server: TelegramServer,
    assistant: ScriptedBotAssistant | None = None,
    conversations: MemoryConversations | None = None,
    limits: BotLimits = FAST_LIMITS,
    token: str = TOKEN,
    policy: PolicyProvider = lambda: LOOPBACK_POLICY,
    **spec: object,
) -> AsyncIterator[RunningBot]:
    """A running bot; stopped at the end of the block."""
    assistant, conversations = assistant or ScriptedBotAssistant(), conversations or MemoryConversations()
    row = BotSpec.model_validate({"id": "front", "name": "Приёмная", "api_url": server.url, **spec})
    bot = TelegramBot(row, token, assistant, conversations, ogg_opus_file, limits, policy)
    task = asyncio.create_task(bot.run())
    try:
        yield RunningBot(server, bot, assistant, conversations, task)
    finally:
        await bot.stop()
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()


def unreachable_bot(url: str) -> TelegramBot:
    """A bot, not yet running, whose server is not there."""
    row = BotSpec(id="b", name="b", api_url=url)
    return TelegramBot(
        row, TOKEN, ScriptedBotAssistant(), MemoryConversations(), None, FAST_LIMITS, lambda: LOOPBACK_POLICY
    )


def fast_limits(**changes: float) -> BotLimits:
    """The fast pace with some of its bounds changed."""
    return replace(FAST_LIMITS, **changes)  # type: ignore[arg-type]
