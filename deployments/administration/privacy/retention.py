"""Deletes data that is older than the retention settings allow, in a background task and in small batches."""

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

_MAX_BACKUP_DURATION = timedelta(days=1)
_AUDIT_USERNAME = "(retention)"
_DeleteBatch = Callable[[UnitOfWork, datetime, int], Awaitable[int]]


class Retention:
    """Runs ``initial_delay_s`` after ``start`` and then every ``interval_s`` seconds until ``stop``."""

    def __init__(
        self,
        database: Database,
        settings: Callable[[], PrivacySettings],
        file_remover: FileRemover,
        copies: InstallationCopies,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        initial_delay_s: float = 30.0,
        interval_s: float = 3_600.0,
        batch_size: int = 200,
    ) -> None:
        self._database = database
        self._settings = settings
        self._file_remover = file_remover
        self._copies = copies
        self._clock = clock
        self._initial_delay_s = initial_delay_s
        self._interval_s = interval_s
        self._batch_size = batch_size
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = self._task or asyncio.create_task(self._run_forever(), name="retention")

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def run(self) -> dict[str, int]:
        """Deletes all expired data and returns the numbers by kind. Deletes nothing for its age while a stored limit is
        invalid, since its default would replace the chosen value. Always removes leftovers of crashes."""
        await self._copies.remove_unfinished(self._clock() - _MAX_BACKUP_DURATION)
        if invalid := await self._invalid_limits():
            log.warning("retention deletes nothing: %s is invalid; set it again", ", ".join(invalid))
            await self._file_remover.delete_listed_files()
            await self._database.truncate_wal()
            return {}
        settings = self._settings()
        counts = {
            "conversations": await self._delete_older(settings.messages_days, _delete_conversations),
            "messages": await self._delete_older(settings.messages_days, _delete_messages),
            "recordings": await self._delete_older(settings.audio_days, _delete_recordings),
            "exchanges": await self._delete_older(settings.exchanges_days, _delete_exchanges),
            "audit": await self._delete_older(settings.audit_days, _delete_audit_events),
            "backups": await self._delete_copies(settings.backups_days),
        }
        await self._file_remover.delete_listed_files()
        await self._database.truncate_wal()
        await self._audit({kind: count for kind, count in counts.items() if count})
        return counts

    async def _run_forever(self) -> None:
        await asyncio.sleep(self._initial_delay_s)
        while True:
            try:
                await self.run()
            except Exception as error:
                log.warning("retention will try again later: %s", type(error).__name__, exc_info=error)
            await asyncio.sleep(self._interval_s)

    async def _invalid_limits(self) -> list[str]:
        async with self._database.unit_of_work() as work:
            return [name for name in await work.settings.invalid_fields() if name.split(".")[0] == "privacy"]

    async def _delete_older(self, days: int, delete_batch: _DeleteBatch) -> int:
        """Deletes in batches, each in its own transaction, so that other transactions can run in between."""
        if not days:
            return 0
        before, total = self._clock() - timedelta(days=days), 0
        while True:
            async with self._database.unit_of_work() as work:
                count = await delete_batch(work, before, self._batch_size)
            total += count
            if count < self._batch_size:
                return total
            await asyncio.sleep(0)

    async def _delete_copies(self, days: int) -> int:
        return await self._copies.remove_before(self._clock() - timedelta(days=days)) if days else 0

    async def _audit(self, counts: dict[str, int]) -> None:
        if counts:
            detail = ", ".join(f"{count} {kind}" for kind, count in counts.items())
            async with self._database.unit_of_work() as work:
                await work.audit.add(AuditEvent(_AUDIT_USERNAME, "expire", "privacy", detail=detail))


async def _delete_conversations(work: UnitOfWork, before: datetime, limit: int) -> int:
    ids = await work.sessions.unused_since(before, limit)
    return await delete_sessions(work, ids)


async def _delete_messages(work: UnitOfWork, before: datetime, limit: int) -> int:
    return await work.messages.remove_before(before, limit)


async def _delete_recordings(work: UnitOfWork, before: datetime, limit: int) -> int:
    return await work.recordings.remove_before(before, limit)


async def _delete_exchanges(work: UnitOfWork, before: datetime, limit: int) -> int:
    return await work.exchanges.remove_before(before, limit)


async def _delete_audit_events(work: UnitOfWork, before: datetime, limit: int) -> int:
    return await work.audit.remove_before(before)
