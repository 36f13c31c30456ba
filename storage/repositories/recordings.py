"""Recordings, and the queue of files that are to be deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.batches import batches
from storage.models import FileDeletionRow, RecordingRow
from storage.repositories.sessions import person_conditions, without_session_sync


@dataclass(frozen=True, slots=True)
class StoredRecording:
    """A recording. ``path`` is relative to the data folder."""

    id: str
    source: str
    path: str
    media_type: str
    seconds: float
    size_bytes: int
    source_id: str = ""
    person: str = ""
    session_id: str | None = None
    turn_id: str = ""
    transcript: str = ""
    created_at: datetime | None = None


class RecordingRepository:
    """Stores recordings. Removing one queues its file in the same transaction; the file is deleted after the commit."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, recording: StoredRecording) -> None:
        """Adds a recording. Fields that are None get the default of their column."""
        given = {name: getattr(recording, name) for name in StoredRecording.__slots__}
        self._session.add(RecordingRow(**{name: value for name, value in given.items() if value is not None}))
        await self._session.flush()

    async def of_person(
        self, person: str, source: str | None, source_id: str | None, session_ids: Sequence[str]
    ) -> tuple[StoredRecording, ...]:
        """Recordings of a person or of these conversations, the oldest first."""
        rows = {row.id: row for row in await self._rows(*person_conditions(RecordingRow, person, source, source_id))}
        for batch in batches(session_ids):
            rows |= {row.id: row for row in await self._rows(RecordingRow.session_id.in_(batch))}
        return tuple(_stored(row) for row in sorted(rows.values(), key=lambda row: (row.created_at, row.id)))

    async def of_session(self, session_id: str) -> tuple[StoredRecording, ...]:
        """Recordings of a conversation, the oldest first."""
        rows = await self._rows(RecordingRow.session_id == session_id)
        return tuple(_stored(row) for row in sorted(rows, key=lambda row: (row.created_at, row.id)))

    async def exists(self, recording_id: str) -> bool:
        return await self._session.get(RecordingRow, recording_id) is not None

    async def rename_person(self, source: str, person: str, name: str) -> None:
        """Renames a person of ``source``."""
        own = update(RecordingRow).where(RecordingRow.source == source, RecordingRow.person == person)
        await self._session.execute(without_session_sync(own.values(person=name)))

    async def remove(self, recording_ids: Sequence[str]) -> int:
        """Deletes recordings and queues their files. Returns the number of recordings."""
        counts = [await self._remove(await self._rows(RecordingRow.id.in_(batch))) for batch in batches(recording_ids)]
        return sum(counts)

    async def remove_of_sessions(self, session_ids: Sequence[str]) -> int:
        """Like ``remove``, for the recordings of these conversations."""
        return await self._remove(await self._rows(RecordingRow.session_id.in_(session_ids)))

    async def remove_before(self, moment: datetime, limit: int) -> int:
        """Like ``remove``, for at most ``limit`` recordings older than ``moment``, the oldest first."""
        old = select(RecordingRow).where(RecordingRow.created_at < moment).order_by(RecordingRow.created_at)
        return await self._remove((await self._session.scalars(old.limit(limit))).all())

    async def files_to_delete(self, limit: int, after: str = "") -> tuple[str, ...]:
        """Queued paths after ``after``, in alphabetical order."""
        queued = select(FileDeletionRow.path).where(FileDeletionRow.path > after).order_by(FileDeletionRow.path)
        return tuple(await self._session.scalars(queued.limit(limit)))

    async def remove_file_deletions(self, paths: Sequence[str]) -> None:
        """Removes deleted files from the queue."""
        await self._session.execute(
            without_session_sync(delete(FileDeletionRow).where(FileDeletionRow.path.in_(paths)))
        )

    async def _rows(self, *conditions: ColumnElement[bool]) -> Sequence[RecordingRow]:
        return (await self._session.scalars(select(RecordingRow).where(*conditions))).all()

    async def _remove(self, rows: Sequence[RecordingRow]) -> int:
        for row in rows:
            await self._session.merge(FileDeletionRow(path=row.path))
            await self._session.delete(row)
        await self._session.flush()
        return len(rows)


def _stored(row: RecordingRow) -> StoredRecording:
    return StoredRecording(**{name: getattr(row, name) for name in StoredRecording.__slots__})
