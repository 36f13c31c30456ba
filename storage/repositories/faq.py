"""FAQ entries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from sqlalchemy import Select, Table, bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.faq_entry import FaqEntry
from storage.batches import batches
from storage.bulk_insert import insert_rows
from storage.comparison import comparison_key
from storage.models import FaqRow
from storage.models.base import now
from storage.repositories.sessions import without_session_sync

_SNAPSHOT_COLUMNS = tuple(getattr(FaqRow, name) for name in FaqEntry.model_fields if name != "hits")
_CONTENT_COLUMNS = (
    *("question", "question_key", "answer", "alternatives", "keywords", "search_text"),
    *("language", "enabled", "topic", "updated_at"),
)
_INSERTED_COLUMNS = tuple(getattr(FaqRow, name) for name in (*_CONTENT_COLUMNS, "hits", "version", "created_at"))
_ID_PARAMETER = "replaced_id"
_REPLACE = (
    update(cast(Table, FaqRow.__table__))
    .where(FaqRow.id == bindparam(_ID_PARAMETER))
    .values({name: bindparam(name) for name in _CONTENT_COLUMNS} | {"version": FaqRow.version + 1})
)


FaqOrder = Literal["changed", "hits"]
"""The last changed first, or the most used first."""


@dataclass(frozen=True, slots=True)
class FaqStatistics:
    """Counts over all entries. ``languages`` maps a language to its number of entries, ``never_asked`` counts enabled
    entries without hits, ``top`` lists the entries with most hits."""

    total: int
    enabled: int
    hits: int
    never_asked: int
    languages: dict[str, int]
    top: tuple[FaqEntry, ...]


class FaqRepository:
    """Stores FAQ entries."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all(self) -> tuple[FaqEntry, ...]:
        """All entries, ordered by id."""
        return tuple(_entry(row) for row in await self._session.scalars(select(FaqRow).order_by(FaqRow.id)))

    async def count(self) -> int:
        return await self._session.scalar(select(func.count()).select_from(FaqRow)) or 0

    async def all_enabled(self) -> tuple[FaqEntry, ...]:
        """All enabled entries, ordered by id, without hits, so that equal entries mean unchanged content."""
        found = await self._session.execute(select(*_SNAPSHOT_COLUMNS).where(FaqRow.enabled).order_by(FaqRow.id))
        return tuple(FaqEntry.model_validate({**row}) for row in found.mappings())

    async def search(
        self,
        query: str,
        language: str | None,
        limit: int,
        offset: int,
        enabled: bool | None = None,
        used: bool | None = None,
        order: FaqOrder = "changed",
    ) -> tuple[tuple[FaqEntry, ...], int]:
        """A page of matching entries and their total number. ``used``: with or without hits."""
        found = _matching(query, language)
        if enabled is not None:
            found = found.where(FaqRow.enabled == enabled)
        if used is not None:
            found = found.where(FaqRow.hits > 0 if used else FaqRow.hits == 0)
        first = FaqRow.hits if order == "hits" else FaqRow.updated_at
        page = found.order_by(first.desc(), FaqRow.updated_at.desc(), FaqRow.id.desc()).limit(limit).offset(offset)
        total = await self._session.scalar(select(func.count()).select_from(found.subquery()))
        return tuple(_entry(row) for row in await self._session.scalars(page)), total or 0

    async def get(self, entry_id: int) -> FaqEntry | None:
        row = await self._session.get(FaqRow, entry_id)
        return _entry(row) if row is not None else None

    async def find_id(self, language: str, question: str) -> int | None:
        """The id of the entry of this language with an equal question."""
        same = (FaqRow.language == language, FaqRow.question_key == comparison_key(question))
        found: int | None = await self._session.scalar(select(FaqRow.id).where(*same))
        return found

    async def with_question(self, question: str) -> tuple[FaqEntry, ...]:
        """The entries of any language with an equal question, ordered by id."""
        same = select(FaqRow).where(FaqRow.question_key == comparison_key(question)).order_by(FaqRow.id)
        return tuple(_entry(row) for row in await self._session.scalars(same))

    async def of_topic(self, topic: str) -> tuple[FaqEntry, ...]:
        """The entries of a topic, ordered by language. None for the empty topic."""
        same = select(FaqRow).where(FaqRow.topic == topic, FaqRow.topic != "").order_by(FaqRow.language, FaqRow.id)
        return tuple(_entry(row) for row in await self._session.scalars(same))

    async def statistics(self, limit: int) -> FaqStatistics:
        """Counts over all entries, and the ``limit`` entries with most hits."""
        counts = (func.count(), func.coalesce(func.sum(FaqRow.hits), 0))
        total, hits = (await self._session.execute(select(*counts))).one()
        enabled = select(func.count()).select_from(FaqRow).where(FaqRow.enabled)
        languages = select(FaqRow.language, func.count()).group_by(FaqRow.language).order_by(FaqRow.language)
        top = select(FaqRow).where(FaqRow.hits > 0).order_by(FaqRow.hits.desc(), FaqRow.id).limit(limit)
        return FaqStatistics(
            total=total,
            enabled=await self._session.scalar(enabled) or 0,
            hits=int(hits),
            never_asked=await self._session.scalar(enabled.where(FaqRow.hits == 0)) or 0,
            languages={row[0]: row[1] for row in await self._session.execute(languages)},
            top=tuple(_entry(row) for row in await self._session.scalars(top)),
        )

    async def add(self, entry: FaqEntry) -> FaqEntry:
        """Adds an entry. ``id``, ``version``, ``hits`` and ``updated_at`` of ``entry`` are ignored."""
        row = FaqRow(hits=0, version=1, **_content(entry))
        self._session.add(row)
        await self._session.flush()
        return _entry(row)

    async def add_all(self, entries: Sequence[FaqEntry]) -> None:
        """Adds many entries like ``add``."""
        moment = now()
        contents = (_content(entry) | {"hits": 0, "version": 1, "created_at": moment} for entry in entries)
        rows = ([content[column.key] for column in _INSERTED_COLUMNS] for content in contents)
        await insert_rows(self._session, _INSERTED_COLUMNS, rows)

    async def replace(self, entry: FaqEntry) -> FaqEntry:
        """Overwrites the entry of this id except its hits, and increases its version. Raises KeyError when there is
        none."""
        row = await self._session.get(FaqRow, entry.id)
        if row is None:
            raise KeyError(entry.id)
        for name, value in _content(entry).items():
            setattr(row, name, value)
        row.version += 1
        await self._session.flush()
        return _entry(row)

    async def replace_all(self, entries: Sequence[FaqEntry]) -> None:
        """Overwrites many entries like ``replace``. Missing ones are ignored."""
        if entries:
            connection = await self._session.connection()
            await connection.execute(_REPLACE, [_content(entry) | {_ID_PARAMETER: entry.id} for entry in entries])

    async def set_enabled(self, entry_ids: Sequence[int], enabled: bool) -> int:
        """Switches those of the entries that are not so yet, and returns their number. They keep the time of their last
        change, and so their place in lists."""
        count = 0
        for batch in batches(entry_ids):
            others = update(FaqRow).where(FaqRow.id.in_(batch), FaqRow.enabled != enabled).returning(FaqRow.id)
            switched = others.values(enabled=enabled, version=FaqRow.version + 1, updated_at=FaqRow.updated_at)
            count += len((await self._session.execute(without_session_sync(switched))).all())
        return count

    async def existing_ids(self, entry_ids: Sequence[int]) -> tuple[int, ...]:
        """Those of ``entry_ids`` that exist."""
        found: list[int] = []
        for batch in batches(entry_ids):
            found += await self._session.scalars(select(FaqRow.id).where(FaqRow.id.in_(batch)))
        return tuple(found)

    async def remove(self, entry_id: int) -> None:
        """Deletes an entry."""
        await self.remove_all((entry_id,))

    async def remove_all(self, entry_ids: Sequence[int]) -> None:
        """Deletes many entries."""
        for batch in batches(entry_ids):
            await self._session.execute(without_session_sync(delete(FaqRow).where(FaqRow.id.in_(batch))))

    async def add_hits(self, hits: Mapping[int, int]) -> None:
        """Adds to the hits of entries, by id. Missing entries are ignored."""
        for entry_id, count in hits.items():
            counted = update(FaqRow).where(FaqRow.id == entry_id).values(hits=FaqRow.hits + count)
            await self._session.execute(without_session_sync(counted))


def _matching(query: str, language: str | None) -> Select[FaqRow]:
    found = select(FaqRow)
    if language is not None:
        found = found.where(FaqRow.language == language)
    for word in comparison_key(query).split():
        found = found.where(FaqRow.search_text.contains(word, autoescape=True))
    return found


def _content(entry: FaqEntry) -> dict[str, object]:
    """The column values of an entry, with the current time as ``updated_at``."""
    texts = (entry.question, *entry.alternatives, *entry.keywords, entry.answer)
    return {
        "question": entry.question,
        "question_key": comparison_key(entry.question),
        "answer": entry.answer,
        "alternatives": entry.alternatives,
        "keywords": entry.keywords,
        "search_text": "\n".join(comparison_key(text) for text in texts),
        "language": entry.language,
        "enabled": entry.enabled,
        "topic": entry.topic,
        "updated_at": now(),
    }


def _entry(row: FaqRow) -> FaqEntry:
    return FaqEntry(
        id=row.id,
        question=row.question,
        answer=row.answer,
        alternatives=tuple(row.alternatives),
        keywords=tuple(row.keywords),
        language=row.language,
        enabled=row.enabled,
        topic=row.topic,
        hits=row.hits,
        version=row.version,
        updated_at=row.updated_at,
    )
