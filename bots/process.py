"""What the process of one bot does: connects to the secretary, opens the token, runs the bot."""

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

_FIRST_RETRY_S, _LONGEST_RETRY_S = 1.0, 30.0


@dataclass(frozen=True, slots=True)
class BotProcessIdentity:
    """Whose process this is: the supervisor's ``generation`` and the ``version`` of the row it runs."""

    generation: int
    version: int
    pid: int


class BotProcess:
    """Runs ``spec`` with what ``connect`` (a function or ``package.module:function``) brings."""

    def __init__(
        self, spec: BotSpec, connect: Connect | str, generation: int = 0, limits: BotLimits | None = None
    ) -> None:
        self._spec = spec
        self._connect = connect
        self._generation = generation
        self._tuning = limits
        self._bot: TelegramBot | None = None
        self._task: asyncio.Task[None] | None = None
        self._status = BotStatus(spec.id, spec.version)

    def identity(self) -> BotProcessIdentity:
        return BotProcessIdentity(self._generation, self._spec.version, os.getpid())

    def status(self) -> BotStatus:
        return self._bot.status() if self._bot is not None else self._status

    async def run(self) -> BotStatus:
        """Runs until stopped or until the token is useless; the returned status says which."""
        install_log_redaction()
        self._task = asyncio.create_task(self._live())
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.result()
        return self.status()

    async def stop(self) -> None:
        """Ends ``run``: gently when the bot is up, at once while it still connects."""
        if self._bot is not None:
            await self._bot.stop()
        elif self._task is not None:
            self._task.cancel()

    async def _live(self) -> None:
        connections = await self._connected()
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
            self._tuning,
            connections.policy,
        )
        try:
            await self._bot.run()
        finally:
            await connections.close()

    async def _connected(self) -> BotConnections:
        """The connections, as soon as the rest of the secretary is there to be connected to."""
        connect: Callable[[], Awaitable[BotConnections]] = resolve_connect(self._connect)
        attempt = 0
        while True:
            try:
                return await connect()
            except SecretaryError as error:
                attempt += 1
                self._status = replace(self._status, state=BotState.UNREACHABLE, error=redact_tokens(error.message))
                log.warning("bot %s cannot connect yet: %s", self._spec.id, error.code)
            await asyncio.sleep(backoff_delay_s(attempt, _FIRST_RETRY_S, _LONGEST_RETRY_S))
