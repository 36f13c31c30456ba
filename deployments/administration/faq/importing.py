"""Import of FAQ entries: the changes are planned first and applied in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from deployments.administration.faq.files import ImportRow, RejectedRow
from deployments.administration.faq.service import MAX_FAQ_ENTRIES, FaqDraft
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.snapshots.loader import SnapshotField
from deployments.contracts.errors import InvalidRequest, TooLarge
from deployments.contracts.faq_entry import FaqEntry
from storage.comparison import comparison_key
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.unit_of_work import UnitOfWork

ImportMode = Literal["merge", "replace"]
EntryKey = tuple[str, str]
"""Language and comparison key of the question."""


@dataclass(frozen=True, slots=True)
class ImportChange:
    """What a row does. ``line`` is 0 for entries that the file does not have."""

    line: int
    action: Literal["created", "updated", "deleted"]
    question: str
    language: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """How many entries were, or in a dry run would be, created, updated, unchanged and deleted, and the rejected
    rows."""

    created: int
    updated: int
    unchanged: int
    deleted: int
    rejected: tuple[RejectedRow, ...]
    applied: bool
    changes: tuple[ImportChange, ...] = ()


@dataclass(frozen=True, slots=True)
class _ImportPlan:
    created: tuple[FaqEntry, ...]
    updated: tuple[FaqEntry, ...]
    unchanged: int
    deleted: tuple[int, ...]
    rejected: tuple[RejectedRow, ...]
    after: int
    changes: tuple[ImportChange, ...]

    def report(self, *, applied: bool) -> ImportReport:
        counts = (len(self.created), len(self.updated), self.unchanged, len(self.deleted))
        return ImportReport(*counts, self.rejected, applied, self.changes)


class FaqImporter:
    """Imports parsed rows. A row updates the stored entry with the same language and question; the entry keeps its id,
    its hits and every field that the file does not have."""

    def __init__(self, database: Database, writer: SnapshotWriter, max_entries: int = MAX_FAQ_ENTRIES) -> None:
        self._database = database
        self._writer = writer
        self._max_entries = max_entries

    async def import_rows(
        self, rows: Sequence[ImportRow], rejected: Sequence[RejectedRow], mode: ImportMode, *, dry_run: bool, by: str
    ) -> ImportReport:
        """``merge`` creates and updates entries, ``replace`` also deletes those that the file does not have.
        ``dry_run`` changes nothing. Raises InvalidRequest when ``replace`` gets an empty file or one with rejected
        rows, TooLarge when more than ``max_entries`` would be stored."""
        if dry_run:
            async with self._database.unit_of_work() as work:
                return (await self._plan(work, rows, rejected, mode)).report(applied=False)

        async def edit(work: UnitOfWork, _: int) -> tuple[ImportReport, AuditEvent]:
            plan = await self._plan(work, rows, rejected, mode)
            _require_replaceable(plan, rows, mode)
            await _apply(plan, work)
            report = plan.report(applied=True)
            counts = f"{report.created} created, {report.updated} updated, {report.deleted} deleted"
            return report, AuditEvent(by, "import", "faq", detail=f"{mode}: {counts}")

        return await self._writer.change(SnapshotField.FAQ, edit)

    async def _plan(
        self, work: UnitOfWork, rows: Sequence[ImportRow], rejected: Sequence[RejectedRow], mode: ImportMode
    ) -> _ImportPlan:
        settings = await work.settings.get()
        plan = _plan_import(await work.faq.all(), rows, rejected, mode, settings.default_language)
        if plan.created and plan.after > self._max_entries:
            raise TooLarge(
                f"the import would store {plan.after} FAQ entries, more than {self._max_entries}", param="file"
            )
        return plan


def _plan_import(
    stored: Sequence[FaqEntry],
    rows: Sequence[ImportRow],
    rejected: Sequence[RejectedRow],
    mode: ImportMode,
    default_language: str,
) -> _ImportPlan:
    index = _EntryIndex(stored, default_language)
    taken, repeated = _unique_rows(rows, index)
    created, updated, unchanged, changes = [], [], 0, []
    for key, row in taken.items():
        before = index.entries.get(key)
        if before is None:
            created.append(FaqEntry(**row.draft.model_dump(exclude={"language"}), language=key[0]))
            changes.append(ImportChange(row.line, "created", row.draft.question, key[0]))
            continue
        after = before.model_copy(update=row.draft.model_dump(include=row.draft.model_fields_set))
        if after == before:
            unchanged += 1
        else:
            updated.append(after)
            changes.append(ImportChange(row.line, "updated", after.question, key[0]))
    lost = [entry for key, entry in index.entries.items() if key not in taken] if mode == "replace" else []
    changes += [ImportChange(0, "deleted", entry.question, entry.language) for entry in lost]
    deleted = tuple(entry.id for entry in lost)
    all_rejected = sorted((*rejected, *repeated), key=lambda row: row.line)
    count = len(stored) + len(created) - len(deleted)
    return _ImportPlan(tuple(created), tuple(updated), unchanged, deleted, tuple(all_rejected), count, tuple(changes))


class _EntryIndex:
    """Stored entries by language and question. A row without a language belongs to the only entry with exactly its
    question, else to the only one that compares equal, else to the default language."""

    def __init__(self, stored: Sequence[FaqEntry], default_language: str) -> None:
        self.entries = {(entry.language, comparison_key(entry.question)): entry for entry in stored}
        self._default = default_language
        self._by_question: dict[str, list[FaqEntry]] = {}
        for (_, question), entry in self.entries.items():
            self._by_question.setdefault(question, []).append(entry)

    def key(self, draft: FaqDraft) -> EntryKey:
        """The key of the entry that ``draft`` belongs to. Raises ValueError when several entries match."""
        question = comparison_key(draft.question)
        if "language" in draft.model_fields_set:
            return draft.language, question
        same = self._by_question.get(question, [])
        for found in ([entry.language for entry in same if entry.question == draft.question], _languages(same)):
            if len(found) == 1:
                return found[0], question
        if same and self._default not in _languages(same):
            raise ValueError(f"language: this question exists in {', '.join(_languages(same))}; name the language")
        return self._default, question


def _languages(entries: Iterable[FaqEntry]) -> list[str]:
    return [entry.language for entry in entries]


def _unique_rows(
    rows: Sequence[ImportRow], index: _EntryIndex
) -> tuple[Mapping[EntryKey, ImportRow], Sequence[RejectedRow]]:
    taken: dict[EntryKey, ImportRow] = {}
    repeated = []
    for row in rows:
        try:
            first = taken.setdefault(index.key(row.draft), row)
        except ValueError as error:
            repeated.append(RejectedRow(row.line, str(error), "language"))
            continue
        if first is not row:
            repeated.append(RejectedRow(row.line, f"question: line {first.line} has the same question", "question"))
    return taken, repeated


def _require_replaceable(plan: _ImportPlan, rows: Sequence[ImportRow], mode: ImportMode) -> None:
    if mode != "replace":
        return
    if plan.rejected:
        first = plan.rejected[0]
        raise InvalidRequest(
            f"nothing was replaced: {len(plan.rejected)} entries are invalid, the first in line {first.line} "
            f"({first.error}); dry_run=true lists them all",
            param="file",
        )
    if not rows:
        raise InvalidRequest("nothing was replaced: the file has no entries", param="file")


async def _apply(plan: _ImportPlan, work: UnitOfWork) -> None:
    await work.faq.remove_all(plan.deleted)
    await work.faq.replace_all(plan.updated)
    await work.faq.add_all(plan.created)
