"""Where bot processes live: started, asked, stopped and watched. The supervisor decides, a host does."""

from typing import Protocol

from bots.bot_status import BotStatus
from deployments.contracts.instances import BotSpec


class ProcessDied(Exception):
    """The process of a bot ended in a way it did not choose; the message says how."""


class Superseded(Exception):
    """A newer supervisor runs this bot; two processes on one token would fight."""


class ProcessHandle(Protocol):
    """One running bot process."""

    async def wait(self) -> BotStatus:
        """Waits for the end: the final status when the bot ended by itself, ProcessDied otherwise."""
        ...

    async def status(self) -> BotStatus:
        """Raises ProcessDied when the process does not answer."""
        ...

    async def stop(self) -> None:
        """Ends the process, gently at first, and returns when it is gone. Repeatable."""
        ...


class ProcessHost(Protocol):
    async def start(self, spec: BotSpec) -> ProcessHandle:
        """Starts a process for ``spec`` after any older one of that bot is gone. Raises TakenOver, ProcessDied."""
        ...
