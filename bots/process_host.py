"""The interface between the supervisor, which decides which bots run, and the host, which runs their processes."""

from typing import Protocol

from bots.bot_status import BotStatus
from deployments.contracts.instances import BotSpec


class ProcessDied(Exception):
    """The process of a bot ended unexpectedly or does not answer. The message is the reason."""


class Superseded(Exception):
    """A newer supervisor runs this bot. Two processes with one token would compete for its updates."""


class ProcessHandle(Protocol):
    """One running bot process."""

    async def wait(self) -> BotStatus:
        """Waits until the bot has ended and returns its final status. Raises ProcessDied when the process died."""
        ...

    async def status(self) -> BotStatus:
        """The present status. Raises ProcessDied when the process does not answer."""
        ...

    async def stop(self) -> None:
        """Asks the process to stop, kills it after a timeout, and returns when it has ended. May be called again."""
        ...


class ProcessHost(Protocol):
    """Starts bot processes."""

    async def start(self, spec: BotSpec) -> ProcessHandle:
        """Starts a process for ``spec`` after an older one of that bot has ended. Raises Superseded, ProcessDied."""
        ...
