"""Many prepared answers at once: what would change is worked out first, and made so in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from deployments.administration.faq.files import ImportRow, RejectedRow
from deployments.administration.faq.service import MAX_FAQ_ENTRIES, FaqDraft
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.snapshots.loader import SnapshotField
from deployments.contracts.errors import InvalidRequest, TooLarge
from deployments.contracts.settings import FaqEntry
from storage.comparison import comparison_key
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.unit_of_work import UnitOfWork

ImportMode = Literal["merge", "replace"]
EntryKey = tuple[str, str]
"""Language, and the question as it is compared."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """How many entries were, or would be, created, updated, left alone and deleted, and what was refused."""

    created: int
    updated: int
    unchanged: int
    deleted: int
    rejected: tuple[RejectedRow, ...]
    applied: bool


@dataclass(frozen=True, slots=True)
class _ImportPlan:
    created: tuple[FaqEntry, ...]
    updated: tuple[FaqEntry, ...]
    unchanged: int
    deleted: tuple[int, ...]
    refused: tuple[RejectedRow, ...]
    after: int

    def report(self, *, applied: bool) -> ImportReport:
        counts = (len(self.created), len(self.updated), self.unchanged, len(self.deleted))
        return ImportReport(*counts, self.refused, applied)


class FaqImporter:
    """Takes rows that were read from a file. An entry is the same when language and question compare equal; it keeps
    its id, its hits and whatever the file does not tell: a table without keywords takes none away."""

    def __init__(self, database: Database, writer: SnapshotWriter, max_entries: int = MAX_FAQ_ENTRIES) -> None:
        self._database = database
        self._desk = writer
        self._most = max_entries

    async def import_rows(
        self, rows: Sequence[ImportRow], rejected: Sequence[RejectedRow], mode: ImportMode, *, dry_run: bool, by: str
    ) -> ImportReport:
        """``merge`` adds and updates, ``replace`` also deletes what the file does not have. With ``dry_run`` nothing is
        changed. Raises InvalidRequest when a file with refused rows, or an empty one, is to replace everything,
        TooLarge when there would be more entries than there may be."""
        if dry_run:
            async with self._database.unit_of_work() as work:
                return (await self._planned(work, rows, rejected, mode)).report(applied=False)

        async def edit(work: UnitOfWork, _: int) -> tuple[ImportReport, AuditEvent]:
            plan = await self._planned(work, rows, rejected, mode)
            _require_whole(plan, rows, mode)
            await _apply(plan, work)
            report = plan.report(applied=True)
            counts = f"{report.created} created, {report.updated} updated, {report.deleted} deleted"
            return report, AuditEvent(by, "import", "faq", detail=f"{mode}: {counts}")

        return await self._desk.change(SnapshotField.FAQ, edit)

    async def _planned(
        self, work: UnitOfWork, rows: Sequence[ImportRow], refused: Sequence[RejectedRow], mode: ImportMode
    ) -> _ImportPlan:
        settings = await work.settings.get()
        plan = _planned(await work.faq.all(), rows, refused, mode, settings.default_language)
        if plan.created and plan.after > self._most:
            raise TooLarge(f"there would be {plan.after} prepared answers, more than {self._most}", param="file")
        return plan


def _planned(
    stored: Sequence[FaqEntry],
    rows: Sequence[ImportRow],
    refused: Sequence[RejectedRow],
    mode: ImportMode,
    default_language: str,
) -> _ImportPlan:
    known = _StoredEntries(stored, default_language)
    taken, repeated = _first_of_each(rows, known)
    created, updated, unchanged = [], [], 0
    for key, row in taken.items():
        before = known.entries.get(key)
        if before is None:
            created.append(FaqEntry(**row.draft.model_dump(exclude={"language"}), language=key[0]))
            continue
        after = before.model_copy(update=row.draft.model_dump(include=row.draft.model_fields_set))
        if after == before:
            unchanged += 1
        else:
            updated.append(after)
    gone = [entry.id for key, entry in known.entries.items() if key not in taken] if mode == "replace" else []
    refusals = sorted((*refused, *repeated), key=lambda refusal: refusal.line)
    count = len(stored) + len(created) - len(gone)
    return _ImportPlan(tuple(created), tuple(updated), unchanged, tuple(gone), tuple(refusals), count)


class _StoredEntries:
    """Stored entries by language and question. A row that tells no language is about the only entry that is spelled as
    it, or the only one with its question, or else about the one in the default language."""

    def __init__(self, stored: Sequence[FaqEntry], default_language: str) -> None:
        self.entries = {(entry.language, comparison_key(entry.question)): entry for entry in stored}
        self._default = default_language
        self._by_question: dict[str, list[FaqEntry]] = {}
        for (_, question), entry in self.entries.items():
            self._by_question.setdefault(question, []).append(entry)

    def key(self, draft: FaqDraft) -> EntryKey:
        """Raises ValueError when it cannot be told which entry is meant."""
        question = comparison_key(draft.question)
        if "language" in draft.model_fields_set:
            return draft.language, question
        same = self._by_question.get(question, [])
        for found in ([entry.language for entry in same if entry.question == draft.question], _languages(same)):
            if len(found) == 1:
                return found[0], question
        if same and self._default not in _languages(same):
            raise ValueError(f"language: this question stands in {', '.join(_languages(same))}; tell which is meant")
        return self._default, question


def _languages(entries: Iterable[FaqEntry]) -> list[str]:
    return [entry.language for entry in entries]


def _first_of_each(
    rows: Sequence[ImportRow], known: _StoredEntries
) -> tuple[Mapping[EntryKey, ImportRow], Sequence[RejectedRow]]:
    taken: dict[EntryKey, ImportRow] = {}
    repeated = []
    for row in rows:
        try:
            first = taken.setdefault(known.key(row.draft), row)
        except ValueError as error:
            repeated.append(RejectedRow(row.line, str(error)))
            continue
        if first is not row:
            repeated.append(RejectedRow(row.line, f"question: the same question stands in line {first.line}"))
    return taken, repeated


def _require_whole(plan: _ImportPlan, rows: Sequence[ImportRow], mode: ImportMode) -> None:
    if mode != "replace":
        return
    if plan.refused:
        first = plan.refused[0]
        raise InvalidRequest(
            f"nothing was replaced: {len(plan.refused)} entries cannot be taken, the first in line {first.line} "
            f"({first.error}); dry_run=true lists them all",
            param="file",
        )
    if not rows:
        raise InvalidRequest("nothing was replaced: the file has no entries", param="file")


async def _apply(plan: _ImportPlan, work: UnitOfWork) -> None:
    await work.faq.remove_all(plan.deleted)
    await work.faq.replace_all(plan.updated)
    await work.faq.add_all(plan.created)
