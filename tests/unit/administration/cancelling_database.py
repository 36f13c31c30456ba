"""A database whose callers do not wait for the answer: each is gone the moment after something was stored for it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from storage.database import Database
from storage.unit_of_work import UnitOfWork


class CancellingDatabase(Database):
    _caller: asyncio.Task[object] | None = None

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[UnitOfWork]:
        async with super().unit_of_work() as work:
            yield work
        if self._caller is not None:
            self._caller.cancel()
            await asyncio.sleep(0)

    async def cancel_after_commit(self, ask: Callable[[], Awaitable[object]]) -> None:
        """Asks as a task of its own, which is cancelled once something is stored for it."""

        async def asking() -> object:
            return await ask()

        self._caller = asyncio.create_task(asking())
        with suppress(asyncio.CancelledError):
            await self._caller
        self._caller = None

    async def audit_rows(self) -> list[tuple[str, str]]:
        """(action, resource) of every audit row, the newest first."""
        async with self.unit_of_work() as work:
            return [(event.action, event.resource) for event in await work.audit.newest(100)]
