"""The cost of one changed entry for a process that follows the snapshot: full rebuild against update."""

import pickle
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from benchmarks.comparison import Spread, paired_ratios, run_interleaved
from benchmarks.report import ResultTable
from deployments.answers.exact_match import ExactMatchIndex
from deployments.answers.ranking import Ranking
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.settings import FaqSettings
from deployments.contracts.snapshot import Snapshot, SnapshotChange

BOOK_MS, RANKING_MS = 50.0, 100.0
"""Targets: processor time of following one change."""

Costs = dict[str, dict[str, list[float]]]
"""Structure -> "anew" (rebuild) or "changed" (update) -> milliseconds of processor time of each pass."""

T = TypeVar("T")

_TARGETS = {"book": BOOK_MS, "ranking": RANKING_MS}


def measure_costs(entries: tuple[FaqEntry, ...], count: int) -> Costs:
    """``count`` passes over a changed entry in the middle."""
    middle = len(entries) // 2
    other = entries[middle].model_copy(update={"question": "Можно ли прийти с собакой?", "version": 2})
    sides = _sides(entries, (*entries[:middle], other, *entries[middle + 1 :]))
    return {name: _costs(*pair, count) for name, pair in sides.items()}


def cost_table(costs: Costs, entries: int) -> ResultTable:
    return ResultTable(
        f"One changed entry of {entries}: rebuild against update",
        ("", "rebuild, ms", "update, ms", "ratio", "target"),
        [_row(name, found["anew"], found["changed"]) for name, found in costs.items()],
        (
            "Processor time, median with lowest and highest; ratios pass by pass. Both have cached stems.",
            "Snapshot: pickled by the office and unpickled by the door, once per subscriber.",
        ),
    )


def _sides(
    before: tuple[FaqEntry, ...], after: tuple[FaqEntry, ...]
) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    book, ranking = ExactMatchIndex(before, "UTC", _now), Ranking(before, FaqSettings(), "UTC", _now)
    old, new = Snapshot(revision=1, faq=before), Snapshot(revision=2, faq=after)
    return {
        "book": (lambda: ExactMatchIndex(after, "UTC", _now), lambda: ExactMatchIndex(after, "UTC", _now, book)),
        "ranking": (
            lambda: Ranking(after, FaqSettings(), "UTC", _now),
            lambda: Ranking(after, FaqSettings(), "UTC", _now, ranking),
        ),
        "snapshot": (lambda: _carried(new), lambda: _carried(SnapshotChange.between(old, new)).apply_to(old)),
    }


def _carried(item: T) -> T:
    carried: T = pickle.loads(pickle.dumps(item))
    return carried


def _costs(anew: Callable[[], object], changed: Callable[[], object], count: int) -> dict[str, list[float]]:
    runs = {"anew": anew, "changed": changed}
    return run_interleaved(list(runs), count, lambda name: _processor_ms(runs[name]))


def _processor_ms(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return (time.process_time() - began) * 1e3


def _row(name: str, anew: Sequence[float], changed: Sequence[float]) -> tuple[str, ...]:
    target = _TARGETS.get(name)
    verdict = f"{Spread.of(changed).median:.1f} < {target:.0f} ms" if target else ""
    figures = (
        Spread.of(anew).format(".1f"),
        Spread.of(changed).format(".1f"),
        paired_ratios(changed, anew).format(".3f"),
    )
    return (name, *figures, verdict)


def _now() -> datetime:
    return datetime.now(UTC)
