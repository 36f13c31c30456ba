"""Forgets what is older than the settings allow: a worker of the office, in small batches between other work."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from deployments.administration.backup.installation_copies import InstallationCopies
from deployments.administration.chat.sessions import delete_sessions
from deployments.administration.privacy.file_remover import FileRemover
from deployments.contracts.settings import PrivacySettings
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

_BATCH = 200
_LONGEST_BACKUP = timedelta(days=1)
_WORKER = "(retention)"
_Step = Callable[[UnitOfWork, datetime], Awaitable[int]]


class Retention:
    """``start`` begins, ``stop`` ends it. Runs ``first_s`` after the start and every ``every_s`` seconds."""

    def __init__(
        self,
        database: Database,
        settings: Callable[[], PrivacySettings],
        file_remover: FileRemover,
        copies: InstallationCopies,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        initial_delay_s: float = 30.0,
        interval_s: float = 3_600.0,
    ) -> None:
        self._database = database
        self._settings = settings
        self._files = file_remover
        self._copies = copies
        self._clock = clock
        self._first_s = initial_delay_s
        self._every_s = interval_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = self._task or asyncio.create_task(self._work(), name="retention")

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def run(self) -> dict[str, int]:
        """Forgets all that is due now; how many of what. Nothing is due while a stored limit cannot be taken, whose
        default would count in place of what people chose; what crashes left half done goes whatever they say."""
        await self._copies.remove_unfinished(self._clock() - _LONGEST_BACKUP)
        if unclear := await self._unclear():
            log.warning("nothing is deleted for its age: %s cannot be taken; set it anew", ", ".join(unclear))
            await self._files.delete_listed_files()
            await self._database.truncate_wal()
            return {}
        settings = self._settings()
        counts = {
            "conversations": await self._until_done(settings.messages_days, _forget_unused),
            "messages": await self._until_done(settings.messages_days, _forget_messages),
            "recordings": await self._until_done(settings.audio_days, _forget_recordings),
            "exchanges": await self._until_done(settings.exchanges_days, _forget_exchanges),
            "audit": await self._until_done(settings.audit_days, _forget_events),
            "backups": await self._forget_copies(settings.backups_days),
        }
        await self._files.delete_listed_files()
        await self._database.truncate_wal()
        await self._note({what: count for what, count in counts.items() if count})
        return counts

    async def _work(self) -> None:
        await asyncio.sleep(self._first_s)
        while True:
            try:
                await self.run()
            except Exception as error:
                log.warning("retention will try again later: %s", type(error).__name__, exc_info=error)
            await asyncio.sleep(self._every_s)

    async def _unclear(self) -> list[str]:
        async with self._database.unit_of_work() as work:
            return [name for name in await work.settings.invalid_fields() if name.split(".")[0] == "privacy"]

    async def _until_done(self, days: int, step: _Step) -> int:
        """Batch after batch, each in a transaction of its own, so that others get their turn in between."""
        if not days:
            return 0
        moment, total = self._clock() - timedelta(days=days), 0
        while True:
            async with self._database.unit_of_work() as work:
                count = await step(work, moment)
            total += count
            if count < _BATCH:
                return total
            await asyncio.sleep(0)

    async def _forget_copies(self, days: int) -> int:
        return await self._copies.remove_before(self._clock() - timedelta(days=days)) if days else 0

    async def _note(self, counts: dict[str, int]) -> None:
        if counts:
            detail = ", ".join(f"{count} {what}" for what, count in counts.items())
            async with self._database.unit_of_work() as work:
                await work.audit.add(AuditEvent(_WORKER, "expire", "privacy", detail=detail))


async def _forget_unused(work: UnitOfWork, moment: datetime) -> int:
    ids = await work.sessions.unused_since(moment, _BATCH)
    return await delete_sessions(work, ids)


async def _forget_messages(work: UnitOfWork, moment: datetime) -> int:
    return await work.messages.remove_before(moment, _BATCH)


async def _forget_recordings(work: UnitOfWork, moment: datetime) -> int:
    return await work.recordings.remove_before(moment, _BATCH)


async def _forget_exchanges(work: UnitOfWork, moment: datetime) -> int:
    return await work.exchanges.remove_before(moment, _BATCH)


async def _forget_events(work: UnitOfWork, moment: datetime) -> int:
    return await work.audit.remove_before(moment)
