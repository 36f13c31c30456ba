"""Probes that count what is kept, and what retention deletes after eight days."""

import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deployments.administration.backup.installation_copies import InstallationCopies
from deployments.administration.chat.recordings import ConversationRecordings
from deployments.administration.privacy.file_remover import FileRemover
from deployments.administration.privacy.retention import Retention
from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.exchange import Exchange
from deployments.contracts.sessions import HeardMessage
from deployments.contracts.settings import Settings
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.repositories.recordings import StoredRecording

_LATER = timedelta(days=8)
_counts: dict[str, dict[str, int]] = {}
"""Results by settings."""
_SOURCE = TurnSource(SourceKind.TELEGRAM, "shop")


def probe_deleted(*kinds: str) -> Callable[[Settings], Awaitable[object]]:
    """A probe that returns how many items of ``kinds`` are deleted after eight days."""

    async def probe(settings: Settings) -> object:
        key = settings.model_dump_json()
        if key not in _counts:
            _counts[key] = await _deleted_after_eight_days(settings)
        return [_counts[key][kind] for kind in kinds]

    return probe


async def probe_kept_recordings(settings: Settings) -> object:
    """How many voice messages are kept."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite+aiosqlite:///{folder}/office.db")
        await database.open()
        try:
            async with database.unit_of_work() as work:
                session = await work.sessions.begin(_SOURCE, "42", "Olga")
            recordings = ConversationRecordings(database, Path(folder), lambda: settings.privacy.keep_recordings)
            await recordings.keep(HeardMessage(session.id, "a", b"OggS", "audio/ogg", 1.0, "Hello"))
            async with database.unit_of_work() as work:
                return len(await work.recordings.of_session(session.id))
        finally:
            await database.close()


async def _deleted_after_eight_days(settings: Settings) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite+aiosqlite:///{folder}/office.db")
        await database.open()
        try:
            await _fill(database)
            data = Path(folder)
            (data / "backups").mkdir()
            (data / "backups" / "secretary-20260101-000000.tar.gz").touch()
            files, copies = FileRemover(database, data), InstallationCopies(data, data, data)
            later = datetime.now(UTC) + _LATER
            return await Retention(database, lambda: settings.privacy, files, copies, lambda: later).run()
        finally:
            await database.close()


async def _fill(database: Database) -> None:
    async with database.unit_of_work() as work:
        session = await work.sessions.begin(_SOURCE, "42", "Olga")
        await work.messages.add(session.id, "user", "Hello", parent_id=None, turn_id="a")
        await work.exchanges.add_new([_exchange()])
        await work.recordings.add(StoredRecording("r", "telegram", "recordings/r.ogg", "audio/ogg", 1.0, 10))
        for number in range(2):
            await work.audit.add(AuditEvent("anna", "look", "thing", str(number)))


def _exchange() -> Exchange:
    return Exchange(
        turn_id="a", source_kind="telegram", question="Hello", answer="Hi", route="local", created_at=datetime.now(UTC)
    )
