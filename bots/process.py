"""The main object of a bot process: connects to the secretary, decrypts the token and runs the bot."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from bots.backoff import backoff_delay_s
from bots.bot_status import BotState, BotStatus
from bots.connections import BotConnections, Connect, resolve_connect
from bots.telegram.bot import TelegramBot
from bots.telegram.bot_limits import BotLimits
from bots.telegram.token_redaction import install_log_redaction, redact_tokens
from deployments.audio.encode import ogg_opus_file
from deployments.contracts.errors import SecretaryError
from deployments.contracts.instances import BotSpec

log = logging.getLogger(__name__)

_FIRST_RETRY_S, _MAX_RETRY_S = 1.0, 30.0


@dataclass(frozen=True, slots=True)
class BotProcessIdentity:
    """The ``generation`` of the supervisor that started the process, and the ``version`` of the row that it runs."""

    generation: int
    version: int
    pid: int


class BotProcess:
    """Runs the bot ``spec`` on the services that ``connect`` (a function or ``package.module:function``) returns."""

    def __init__(
        self, spec: BotSpec, connect: Connect | str, generation: int = 0, limits: BotLimits | None = None
    ) -> None:
        self._spec = spec
        self._connect = connect
        self._generation = generation
        self._limits = limits
        self._bot: TelegramBot | None = None
        self._task: asyncio.Task[None] | None = None
        self._status = BotStatus(spec.id, spec.version)

    def identity(self) -> BotProcessIdentity:
        return BotProcessIdentity(self._generation, self._spec.version, os.getpid())

    def status(self) -> BotStatus:
        return self._bot.status() if self._bot is not None else self._status

    async def run(self) -> BotStatus:
        """Runs until the bot is stopped or its token is rejected, and returns the final status."""
        install_log_redaction()
        self._task = asyncio.create_task(self._run_bot())
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.result()
        return self.status()

    async def stop(self) -> None:
        """Ends ``run``: gracefully when the bot is running, at once while it still connects."""
        if self._bot is not None:
            await self._bot.stop()
        elif self._task is not None:
            self._task.cancel()

    async def _run_bot(self) -> None:
        connections = await self._connect_with_retry()
        try:
            token = connections.open_token(self._spec.sealed_token)
        except SecretaryError as error:
            self._status = replace(self._status, state=BotState.REJECTED, error=error.message)
            await connections.close()
            return
        self._bot = TelegramBot(
            self._spec,
            token,
            connections.assistant,
            connections.conversations,
            ogg_opus_file,
            self._limits,
            connections.policy,
            connections.open_proxies(self._spec),
        )
        try:
            await self._bot.run()
        finally:
            await connections.close()

    async def _connect_with_retry(self) -> BotConnections:
        """Connects to the secretary. Tries again until it is available."""
        connect: Callable[[], Awaitable[BotConnections]] = resolve_connect(self._connect)
        attempt = 0
        while True:
            try:
                return await connect()
            except SecretaryError as error:
                attempt += 1
                self._status = replace(self._status, state=BotState.UNREACHABLE, error=redact_tokens(error.message))
                log.warning("bot %s cannot connect yet: %s", self._spec.id, error.code)
            await asyncio.sleep(backoff_delay_s(attempt, _FIRST_RETRY_S, _MAX_RETRY_S))
