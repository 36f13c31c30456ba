"""A database that cancels its caller right after a transaction commits."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from storage.database import Database
from storage.unit_of_work import UnitOfWork


class CancellingDatabase(Database):
    """Cancels the task of ``cancel_after_commit`` after each commit."""

    _caller: asyncio.Task[object] | None = None

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[UnitOfWork]:
        async with super().unit_of_work() as work:
            yield work
        if self._caller is not None:
            self._caller.cancel()
            await asyncio.sleep(0)

    async def cancel_after_commit(self, ask: Callable[[], Awaitable[object]]) -> None:
        """Runs ``ask`` in a task that is cancelled after its first transaction."""

        async def asking() -> object:
            return await ask()

        self._caller = asyncio.create_task(asking())
        with suppress(asyncio.CancelledError):
            await self._caller
        self._caller = None

    async def audit_rows(self) -> list[tuple[str, str]]:
        """(action, resource) of all audit events, newest first."""
        async with self.unit_of_work() as work:
            return [(event.action, event.resource) for event in await work.audit.newest(100)]
