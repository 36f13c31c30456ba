"""Sound that was kept, and the files that are still to be deleted after their rows."""

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
    """``path`` is relative to the data folder."""

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
    """Rows go in a transaction; their files are listed in the same transaction and deleted when it is committed."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, recording: StoredRecording) -> None:
        given = {name: getattr(recording, name) for name in StoredRecording.__slots__}
        self._session.add(RecordingRow(**{name: value for name, value in given.items() if value is not None}))
        await self._session.flush()

    async def of_person(
        self, person: str, source: str | None, source_id: str | None, session_ids: Sequence[str]
    ) -> tuple[StoredRecording, ...]:
        """Recordings that name the person or belong to one of these conversations, oldest first."""
        rows = {row.id: row for row in await self._rows(*person_conditions(RecordingRow, person, source, source_id))}
        for part in batches(session_ids):
            rows |= {row.id: row for row in await self._rows(RecordingRow.session_id.in_(part))}
        return tuple(_stored(row) for row in sorted(rows.values(), key=lambda row: (row.created_at, row.id)))

    async def rename_person(self, source: str, person: str, name: str) -> None:
        """Calls a person of ``source`` by another name."""
        own = update(RecordingRow).where(RecordingRow.source == source, RecordingRow.person == person)
        await self._session.execute(without_session_sync(own.values(person=name)))

    async def remove(self, recording_ids: Sequence[str]) -> int:
        """Deletes rows and lists their files for deletion; how many there were."""
        gone = [await self._remove(await self._rows(RecordingRow.id.in_(part))) for part in batches(recording_ids)]
        return sum(gone)

    async def remove_of_sessions(self, session_ids: Sequence[str]) -> int:
        return await self._remove(await self._rows(RecordingRow.session_id.in_(session_ids)))

    async def remove_before(self, moment: datetime, limit: int) -> int:
        """The same for at most ``limit`` recordings older than ``moment``, the oldest first."""
        old = select(RecordingRow).where(RecordingRow.created_at < moment).order_by(RecordingRow.created_at)
        return await self._remove((await self._session.scalars(old.limit(limit))).all())

    async def files_to_delete(self, limit: int, after: str = "") -> tuple[str, ...]:
        """Paths of files whose rows are gone, in the order of their names, those behind ``after``."""
        waiting = select(FileDeletionRow.path).where(FileDeletionRow.path > after).order_by(FileDeletionRow.path)
        return tuple(await self._session.scalars(waiting.limit(limit)))

    async def remove_file_deletions(self, paths: Sequence[str]) -> None:
        """These files are gone."""
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
