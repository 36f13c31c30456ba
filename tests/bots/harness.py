"""Runs a TelegramBot against the local Bot API server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from aiogram import Bot
from aiogram.client.telegram import TelegramAPIServer
from aiohttp import web

from bots.bot_status import BotState
from bots.telegram.bot import TelegramBot
from bots.telegram.bot_limits import BotLimits
from bots.telegram.checked_session import CheckedSession, PolicyProvider
from bots.telegram.tunnelled_connector import TunnelPool
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
    proxies: TunnelPool | None = None,
    **spec: object,
) -> AsyncIterator[RunningBot]:
    """Runs a bot with a row of the fields ``spec`` and stops it at the end of the block."""
    assistant, conversations = assistant or ScriptedBotAssistant(), conversations or MemoryConversations()
    row = BotSpec.model_validate(
        {"id": "front", "name": "Приёмная", "api_url": server.url, "access": "everyone", **spec}
    )
    bot = TelegramBot(row, token, assistant, conversations, ogg_opus_file, limits, policy, proxies)
    task = asyncio.create_task(bot.run())
    try:
        yield RunningBot(server, bot, assistant, conversations, task)
    finally:
        await bot.stop()
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()


def unreachable_bot(url: str) -> TelegramBot:
    """A bot, not yet running, whose server does not exist."""
    row = BotSpec(id="b", name="b", api_url=url)
    return TelegramBot(
        row, TOKEN, ScriptedBotAssistant(), MemoryConversations(), None, FAST_LIMITS, lambda: LOOPBACK_POLICY
    )


def fast_limits(**changes: float) -> BotLimits:
    """FAST_LIMITS with changes."""
    return replace(FAST_LIMITS, **changes)  # type: ignore[arg-type]


async def wait_for_state(running: RunningBot, state: BotState, within_s: float = 15) -> None:
    """Waits until the bot has this state."""
    await running.server.wait_until(
        lambda: running.bot.status().state is state, within_s, lambda: repr(running.bot.status())
    )


@asynccontextmanager
async def bot_with_handler(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[Bot]:
    """An aiogram bot with a CheckedSession whose server handles every request with ``handler``."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    session = CheckedSession(url, lambda: LOOPBACK_POLICY, api=TelegramAPIServer.from_base(url))
    try:
        async with asyncio.timeout(20):
            yield Bot(TOKEN, session=session)
    finally:
        await session.close()
        await runner.cleanup()
