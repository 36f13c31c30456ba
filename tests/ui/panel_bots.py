"""Bots of the panel's office that run in the process of the test, started and stopped by the real supervisor."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bots.bot_status import BotStatus
from bots.supervisor import BotSupervisor, SupervisorTimings
from bots.telegram.bot import TelegramBot
from deployments.administration.office.composition import OfficeServices
from deployments.contracts.instances import BotSpec
from tests.bots.fakes import LOOPBACK_POLICY
from tests.bots.harness import FAST_LIMITS
from tests.ui.fakes import ScriptedPanelAssistant

TIMINGS = SupervisorTimings(reconcile_interval_s=0.05, first_retry_s=0.05)


class PanelBots:
    """What the panel reads: nothing runs outside ``run``, where ``statuses`` are told."""

    def __init__(self) -> None:
        self._supervisor: BotSupervisor | None = None
        self.statuses: tuple[BotStatus, ...] = ()

    async def __call__(self) -> tuple[BotStatus, ...]:
        return self._supervisor.statuses() if self._supervisor is not None else self.statuses

    @asynccontextmanager
    async def run(self, office: OfficeServices, assistant: ScriptedPanelAssistant) -> AsyncIterator[None]:
        self._supervisor = BotSupervisor(_Host(office, assistant), TIMINGS)
        running = asyncio.create_task(self._supervisor.run(office.publisher.subscribe(-1, "bots of a test")))
        try:
            yield
        finally:
            self._supervisor = None
            running.cancel()
            await asyncio.wait({running})


class _Host:
    def __init__(self, office: OfficeServices, assistant: ScriptedPanelAssistant) -> None:
        self._office, self._assistant = office, assistant

    async def start(self, spec: BotSpec) -> "_RunningBot":
        token, conversations = self._office.bots.unseal_token(spec), self._office.conversations
        bot = TelegramBot(spec, token, self._assistant, conversations, None, FAST_LIMITS, lambda: LOOPBACK_POLICY)
        return _RunningBot(bot)


class _RunningBot:
    def __init__(self, bot: TelegramBot) -> None:
        self._bot = bot
        self._task = asyncio.create_task(bot.run())

    async def wait(self) -> BotStatus:
        await asyncio.shield(self._task)
        return self._bot.status()

    async def status(self) -> BotStatus:
        return self._bot.status()

    async def stop(self) -> None:
        await self._bot.stop()
        await asyncio.wait({self._task})
