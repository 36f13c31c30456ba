"""Many prepared answers at once: what would change is worked out first, and made so in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from deployments.administration.desk import ChangeDesk
from deployments.administration.faq import FaqDraft
from deployments.administration.faq_files import Refusal, Row
from deployments.administration.snapshots import Part
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.settings import FaqEntry
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.wording import comparison_key
from storage.work import UnitOfWork

Mode = Literal["merge", "replace"]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """How many entries were, or would be, created, updated, left alone and deleted, and what was refused."""

    created: int
    updated: int
    unchanged: int
    deleted: int
    refused: tuple[Refusal, ...]
    applied: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    created: tuple[FaqEntry, ...]
    updated: tuple[FaqEntry, ...]
    unchanged: int
    deleted: tuple[int, ...]
    refused: tuple[Refusal, ...]

    @property
    def changes(self) -> bool:
        return bool(self.created or self.updated or self.deleted)

    def report(self, *, applied: bool) -> ImportReport:
        counts = (len(self.created), len(self.updated), self.unchanged, len(self.deleted))
        return ImportReport(*counts, self.refused, applied)


class FaqImport:
    """Takes rows that were read from a file. An entry is the same when language and question compare equal; it keeps
    its id and its hits."""

    def __init__(self, database: Database, desk: ChangeDesk) -> None:
        self._database = database
        self._desk = desk

    async def run(
        self, rows: Sequence[Row], refused: Sequence[Refusal], mode: Mode, *, dry_run: bool, by: str
    ) -> ImportReport:
        """``merge`` adds and updates, ``replace`` also deletes what the file does not have. With ``dry_run`` nothing is
        changed. Raises InvalidRequest when a file with refused rows, or an empty one, is to replace everything."""
        if dry_run:
            async with self._database.unit_of_work() as work:
                return _planned(await work.faq.all(), rows, refused, mode).report(applied=False)

        async def edit(work: UnitOfWork, _: int) -> tuple[ImportReport, AuditEvent]:
            plan = _planned(await work.faq.all(), rows, refused, mode)
            _require_whole(plan, rows, mode)
            await _apply(plan, work)
            report = plan.report(applied=True)
            counts = f"{report.created} created, {report.updated} updated, {report.deleted} deleted"
            return report, AuditEvent(by, "import", "faq", detail=f"{mode}: {counts}")

        return await self._desk.change(Part.FAQ, edit)


def _planned(stored: Sequence[FaqEntry], rows: Sequence[Row], refused: Sequence[Refusal], mode: Mode) -> _Plan:
    known = {_key(entry): entry for entry in stored}
    taken, repeated = _first_of_each(rows)
    created, updated, unchanged = [], [], 0
    for key, row in taken.items():
        before = known.get(key)
        if before is None:
            created.append(FaqEntry(**row.draft.model_dump()))
        elif _same(before, row.draft):
            unchanged += 1
        else:
            updated.append(FaqEntry(id=before.id, **row.draft.model_dump()))
    gone = [entry.id for key, entry in known.items() if key not in taken] if mode == "replace" else []
    refusals = sorted((*refused, *repeated), key=lambda refusal: refusal.line)
    return _Plan(tuple(created), tuple(updated), unchanged, tuple(gone), tuple(refusals))


def _first_of_each(rows: Sequence[Row]) -> tuple[Mapping[tuple[str, str], Row], Sequence[Refusal]]:
    taken: dict[tuple[str, str], Row] = {}
    repeated = []
    for row in rows:
        first = taken.setdefault(_key(row.draft), row)
        if first is not row:
            repeated.append(Refusal(row.line, f"question: the same question stands in line {first.line}"))
    return taken, repeated


def _require_whole(plan: _Plan, rows: Sequence[Row], mode: Mode) -> None:
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


async def _apply(plan: _Plan, work: UnitOfWork) -> None:
    for entry_id in plan.deleted:
        await work.faq.remove(entry_id)
    for entry in plan.updated:
        await work.faq.replace(entry)
    for entry in plan.created:
        await work.faq.add(entry)


def _key(entry: FaqEntry | FaqDraft) -> tuple[str, str]:
    return entry.language, comparison_key(entry.question)


def _same(entry: FaqEntry, draft: FaqDraft) -> bool:
    return all(getattr(entry, name) == getattr(draft, name) for name in FaqDraft.model_fields)
