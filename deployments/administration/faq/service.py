"""Administration of FAQ entries: search, create, change and delete them. Every change is published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deployments.administration.audit.value_changes import model_changes
from deployments.administration.faq.draft import FaqDraft
from deployments.administration.office.drafts import apply_changes, require_version
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.office.text_bounds import MAX_SEARCH_LENGTH, require_page, require_text
from deployments.administration.snapshots.loader import SnapshotField
from deployments.contracts.errors import Conflict, NotFound
from deployments.contracts.faq_entry import FaqEntry
from storage.comparison import comparison_key
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.repositories.faq import FaqOrder, FaqStatistics
from storage.unit_of_work import UnitOfWork

__all__ = ["MAX_FAQ_ENTRIES", "FaqAdministration", "FaqDraft", "FaqOrder", "FaqPage"]

MAX_FAQ_ENTRIES = 20_000
"""Limit of an installation and of an imported file: twice the number that the doors are benchmarked with."""
_MAX_LISTED = 100
_SAME_WORDS = 100


@dataclass(frozen=True, slots=True)
class FaqPage:
    """``entries`` of one page, the most recently changed first, and the ``total`` of the search."""

    entries: tuple[FaqEntry, ...]
    total: int


class FaqAdministration:
    """Reads and changes FAQ entries. Every change is audited and published."""

    def __init__(self, database: Database, writer: SnapshotWriter, max_entries: int = MAX_FAQ_ENTRIES) -> None:
        self._database = database
        self._writer = writer
        self._max_entries = max_entries

    async def list(
        self,
        query: str = "",
        language: str | None = None,
        limit: int = 50,
        offset: int = 0,
        enabled: bool | None = None,
        used: bool | None = None,
        order: FaqOrder = "changed",
    ) -> FaqPage:
        """Entries that contain every word of ``query`` in question, alternatives, keywords or answer. Ignores case, ё
        and punctuation. ``used``: that have answered, or never have."""
        require_text(query, MAX_SEARCH_LENGTH, "search")
        require_page(limit, offset)
        async with self._database.unit_of_work() as work:
            return FaqPage(*await work.faq.search(query, language, limit, offset, enabled, used, order))

    async def all(self) -> tuple[FaqEntry, ...]:
        """Every entry by id, disabled ones too."""
        async with self._database.unit_of_work() as work:
            return await work.faq.all()

    async def statistics(self, top: int = 10) -> FaqStatistics:
        """Counts over all entries, and the ``top`` most used ones."""
        async with self._database.unit_of_work() as work:
            return await work.faq.statistics(top)

    async def get(self, entry_id: int) -> FaqEntry:
        """Raises NotFound."""
        async with self._database.unit_of_work() as work:
            return await _existing(work, entry_id)

    async def siblings(self, entry_id: int) -> tuple[FaqEntry, ...]:
        """The same answer in other languages: the other entries of the topic. Raises NotFound."""
        async with self._database.unit_of_work() as work:
            entry = await _existing(work, entry_id)
            return tuple(each for each in await work.faq.of_topic(entry.topic) if each.id != entry_id)

    async def with_wording(self, wording: str, language: str) -> FaqEntry | None:
        """The entry of this language that has ``wording`` as its question or as an alternative."""
        key = comparison_key(wording)
        async with self._database.unit_of_work() as work:
            found, _ = await work.faq.search(wording[:MAX_SEARCH_LENGTH], language, _SAME_WORDS, 0)
        return next((each for each in found if key in map(comparison_key, (each.question, *each.alternatives))), None)

    async def add_alternative(self, entry_id: int, wording: str, by: str) -> FaqEntry:
        """Adds a wording of the question to an entry. Raises NotFound, Conflict, InvalidRequest for a full entry."""
        entry = await self.get(entry_id)
        draft = apply_changes(
            FaqDraft,
            entry.model_dump(include=set(FaqDraft.model_fields)),
            {"alternatives": (*entry.alternatives, wording)},
        )
        return await self.update(entry_id, draft, entry.version, by)

    async def create(self, draft: FaqDraft, by: str) -> FaqEntry:
        """A draft without a language takes the default one. Raises Conflict when the language already has this
        question, and when ``max_entries`` are stored."""

        async def edit(work: UnitOfWork, _: int) -> tuple[FaqEntry, AuditEvent]:
            localized = _in_language(draft, (await work.settings.get()).default_language)
            await _require_free(work, localized, None)
            if await work.faq.count() >= self._max_entries:
                raise Conflict(f"there are {self._max_entries} FAQ entries: delete some first")
            entry = await work.faq.add(_entry(localized))
            return entry, AuditEvent(by, "create", "faq", str(entry.id), detail=entry.question)

        return await self._writer.change(SnapshotField.FAQ, edit)

    async def update(self, entry_id: int, draft: FaqDraft, expected_version: int, by: str) -> FaqEntry:
        """A draft without a language keeps that of the entry. Raises NotFound; Conflict for another version or when the
        question is taken."""

        async def edit(work: UnitOfWork, _: int) -> tuple[FaqEntry, AuditEvent]:
            before = await _existing(work, entry_id)
            require_version(before.version, expected_version, "entry")
            localized = _in_language(draft, before.language)
            await _require_free(work, localized, entry_id)
            entry = await work.faq.replace(_entry(localized, entry_id))
            return entry, AuditEvent(by, "update", "faq", str(entry_id), detail=model_changes(before, entry))

        return await self._writer.change(SnapshotField.FAQ, edit)

    async def delete(self, entry_id: int, by: str, expected_version: int | None = None) -> None:
        """Raises NotFound, Conflict."""

        async def edit(work: UnitOfWork, _: int) -> tuple[None, AuditEvent]:
            entry = await _existing(work, entry_id)
            require_version(entry.version, expected_version, "entry")
            await work.faq.remove(entry_id)
            return None, AuditEvent(by, "delete", "faq", str(entry_id), detail=entry.question)

        await self._writer.change(SnapshotField.FAQ, edit)

    async def set_enabled(self, entry_ids: Sequence[int], enabled: bool, by: str) -> int:
        """Switches entries on or off and returns how many were not so yet."""

        async def edit(work: UnitOfWork, _: int) -> tuple[int, AuditEvent]:
            count = await work.faq.set_enabled(entry_ids, enabled)
            action = "enable" if enabled else "disable"
            return count, AuditEvent(by, action, "faq", _listed(entry_ids), detail=f"{count} entries")

        return await self._writer.change(SnapshotField.FAQ, edit)

    async def delete_many(self, entry_ids: Sequence[int], by: str) -> int:
        """Deletes those of the entries that exist and returns their number."""

        async def edit(work: UnitOfWork, _: int) -> tuple[int, AuditEvent]:
            existing = await work.faq.existing_ids(entry_ids)
            await work.faq.remove_all(existing)
            return len(existing), AuditEvent(by, "delete", "faq", _listed(existing), detail=f"{len(existing)} entries")

        return await self._writer.change(SnapshotField.FAQ, edit)

    async def update_by_question(
        self, question: str, changes: Mapping[str, str], by: str, expected_version: int | None = None
    ) -> FaqEntry:
        """Changes ``question`` or ``answer`` of the entry with this question; everything else of it stays:
        id, keywords, hits. Raises NotFound; Conflict when the new question is taken, or when the entry changed since
        ``expected_version`` (None: whatever it is)."""

        async def edit(work: UnitOfWork, _: int) -> tuple[FaqEntry, AuditEvent]:
            before = await _entry_with_question(work, question)
            require_version(before.version, expected_version, "entry")
            draft = apply_changes(FaqDraft, before.model_dump(include=set(FaqDraft.model_fields)), changes)
            await _require_free(work, draft, before.id)
            entry = await work.faq.replace(_entry(draft, before.id))
            return entry, AuditEvent(by, "update", "faq", str(entry.id), detail=model_changes(before, entry))

        return await self._writer.change(SnapshotField.FAQ, edit)

    async def delete_by_question(self, question: str, by: str, expected_version: int | None = None) -> FaqEntry:
        """Deletes the entry with this question. Raises NotFound, Conflict."""

        async def edit(work: UnitOfWork, _: int) -> tuple[FaqEntry, AuditEvent]:
            entry = await _entry_with_question(work, question)
            require_version(entry.version, expected_version, "entry")
            await work.faq.remove(entry.id)
            return entry, AuditEvent(by, "delete", "faq", str(entry.id), detail=entry.question)

        return await self._writer.change(SnapshotField.FAQ, edit)


async def _existing(work: UnitOfWork, entry_id: int) -> FaqEntry:
    entry = await work.faq.get(entry_id)
    if entry is None:
        raise NotFound(f"there is no FAQ entry {entry_id}")
    return entry


async def _entry_with_question(work: UnitOfWork, question: str) -> FaqEntry:
    """The entry with exactly this question, else the first one that compares equal."""
    entries = await work.faq.with_question(question)
    if not entries:
        raise NotFound("there is no FAQ entry with this question", param="trigger")
    return next((entry for entry in entries if entry.question == question.strip()), entries[0])


async def _require_free(work: UnitOfWork, draft: FaqDraft, own_id: int | None) -> None:
    taken = await work.faq.find_id(draft.language, draft.question)
    if taken is not None and taken != own_id:
        raise Conflict(f"entry {taken} already answers this question in this language", param="question")
    for other in await work.faq.of_topic(draft.topic):
        if other.language == draft.language and other.id != own_id:
            raise Conflict(f"entry {other.id} is already the answer of this topic in this language", param="topic")


def _listed(entry_ids: Sequence[int]) -> str:
    """The ids for the audit log, as many as fit."""
    text = ",".join(map(str, entry_ids))
    return text if len(text) <= _MAX_LISTED else f"{text[: _MAX_LISTED - 1].rpartition(',')[0]},…"


def _in_language(draft: FaqDraft, language: str) -> FaqDraft:
    """``draft`` in ``language``, unless it has a language."""
    return draft if "language" in draft.model_fields_set else draft.model_copy(update={"language": language})


def _entry(draft: FaqDraft, entry_id: int = 0) -> FaqEntry:
    return FaqEntry(id=entry_id, **draft.model_dump())
