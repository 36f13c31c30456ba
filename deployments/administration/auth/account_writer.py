"""Writes accounts. One transaction changes the row, revokes the refresh tokens and adds the audit event; then the
listeners that cache the account are called."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from deployments.administration.office.shielded_tasks import ShieldedTasks
from storage.database import Database
from storage.unit_of_work import UnitOfWork

T = TypeVar("T")
AccountListener = Callable[[str], None]
"""Gets the name of an account whose sign-ins have ended. It must not block or raise."""


class AccountWriter:
    """Runs one change at a time. A change runs to its end even if its caller is cancelled. Cached accounts therefore
    never lag behind the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = asyncio.Lock()
        self._tasks = ShieldedTasks()
        self._listeners: list[AccountListener] = []

    def subscribe(self, listener: AccountListener) -> None:
        """Calls ``listener`` for every account that is changed or deleted from now on."""
        self._listeners.append(listener)

    async def change(self, username: str, edit: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """Runs ``edit`` in a transaction that also revokes every refresh token of ``username``, then calls
        the listeners. If ``edit`` raises, the transaction is rolled back and the error propagates."""

        async def work() -> T:
            async with self._database.unit_of_work() as unit:
                await unit.tokens.revoke_user(username, datetime.now(UTC))
                result = await edit(unit)
            for listener in self._listeners:
                listener(username)
            return result

        return await self.run_shielded(work)

    async def run_shielded(self, work: Callable[[], Awaitable[T]]) -> T:
        """Runs ``work`` after all earlier work. Raises what ``work`` raises, or Unavailable on shutdown."""
        return await self._tasks.run(lambda: self._run_locked(work))

    async def close(self) -> None:
        """Rejects new work and waits for the work in progress."""
        await self._tasks.close()

    async def _run_locked(self, work: Callable[[], Awaitable[T]]) -> T:
        async with self._lock:
            return await work()
