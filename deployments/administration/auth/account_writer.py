"""The one way to change an account: its row, the end of its sign-ins and the audit in one transaction. Then everybody
who remembers the account is told, before anything else can happen in this process."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from deployments.administration.office.shielded_tasks import ShieldedTasks
from storage.database import Database
from storage.unit_of_work import UnitOfWork

T = TypeVar("T")
AccountListener = Callable[[str], None]
"""Is told the name of an account whose sign-ins have ended; must return at once and never raise."""


class AccountWriter:
    """Takes one piece of work at a time and brings it to its end, also when whoever asked for it has gone: what is
    remembered of an account in memory never lags behind what is stored."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._one_at_a_time = asyncio.Lock()
        self._finisher = ShieldedTasks()
        self._watchers: list[AccountListener] = []

    def subscribe(self, listener: AccountListener) -> None:
        """``watcher`` hears of every account that is changed or deleted from now on."""
        self._watchers.append(listener)

    async def change(self, username: str, edit: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """Runs ``edit`` in a transaction that also revokes every refresh token of ``username``, then tells the
        watchers. Raises what ``edit`` raises: then nothing is changed."""

        async def work() -> T:
            async with self._database.unit_of_work() as unit:
                await unit.tokens.revoke_user(username, datetime.now(UTC))
                result = await edit(unit)
            for watcher in self._watchers:
                watcher(username)
            return result

        return await self.run_shielded(work)

    async def run_shielded(self, work: Callable[[], Awaitable[T]]) -> T:
        """Runs ``work`` after all that was asked before it. Raises what it raises, Unavailable when the office is
        closing."""
        return await self._finisher.run(lambda: self._in_turn(work))

    async def close(self) -> None:
        """Refuses new work and waits for what is under way."""
        await self._finisher.close()

    async def _in_turn(self, work: Callable[[], Awaitable[T]]) -> T:
        async with self._one_at_a_time:
            return await work()
