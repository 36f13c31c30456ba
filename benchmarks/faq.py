"""faq: exact and ranked match among ten thousand entries: time, build time, time of a change, memory."""

import gc
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import psutil

from benchmarks import faq_change
from benchmarks import faq_dataset as large_book
from benchmarks.comparison import Spread, percentile
from benchmarks.faq_dataset import FaqQuery
from benchmarks.report import BenchmarkResult, ResultTable
from deployments.answers.exact_match import ExactMatchIndex
from deployments.answers.ranking import Ranking
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.settings import FaqSettings

LOOKUP_US, RANK_MS = 20.0, 15.0
"""Targets: the median of an exact look-up, and the 95th percentile of a rank."""

_ENTRIES = 10_000
_MEBIBYTE = 1 << 20
_REPEATS = 20
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BuildCost:
    """``memory_mib`` is the growth of the resident set."""

    seconds: float
    memory_mib: float


def measure(quick: bool) -> BenchmarkResult:
    count = 100 if quick else 1_000
    entries = large_book.generate_entries(_ENTRIES)
    book, of_book = _built(lambda: ExactMatchIndex(entries, "Europe/Moscow", _now))
    ranking, of_ranking = _built(lambda: Ranking(entries, FaqSettings(), "Europe/Moscow", _now))
    _, again = _built(lambda: Ranking(entries, FaqSettings(), "Europe/Moscow", _now))
    asked = large_book.generate_queries(entries, count)
    lookups = _timed([q for q in asked if q.kind == "exact"], lambda q: book.lookup(q.text, q.language), _REPEATS)
    ranks = _timed(asked, lambda q: ranking.match(q.text, q.language))
    every = sorted(value for values in ranks.values() for value in values)
    lookup_us, rank_ms = percentile(lookups["exact"], 0.5) * 1e6, percentile(every, 0.95) * 1e3
    costs = faq_change.measure_costs(entries, 3 if quick else 10)
    tables = (
        _times(lookups["exact"], ranks, every, lookup_us, rank_ms),
        ResultTable(
            f"Building them from {_ENTRIES} entries, as a door does once",
            ("", "seconds", "memory, MiB"),
            [_line("book", of_book), _line("ranking", of_ranking), _line("ranking, stems known", again)],
            ("Memory: growth of the resident set, without the entries themselves. Building runs in a thread.",),
        ),
        faq_change.cost_table(costs, _ENTRIES),
    )
    raw = {
        "lookup_us": _figures(lookups["exact"], 1e6),
        "rank_ms": {kind: _figures(values, 1e3) for kind, values in {**ranks, "all": every}.items()},
        "found": _found(entries, asked, book, ranking),
        "change": costs,
    }
    return BenchmarkResult(tables, raw)


def _times(
    exact: Sequence[float], ranks: dict[str, list[float]], every: list[float], lookup_us: float, rank_ms: float
) -> ResultTable:
    rows = [_row("exact look-up, in the door", exact, 1e6, "µs", f"{lookup_us:.1f} < {LOOKUP_US:.0f} µs (median)")]
    rows += [_row(f"rank: {kind}", values, 1e3, "ms", "") for kind, values in ranks.items()]
    rows.append(_row("rank: all", every, 1e3, "ms", f"{rank_ms:.2f} < {RANK_MS:.0f} ms (p95)"))
    return ResultTable(
        f"Prepared answers, {_ENTRIES} entries with an alternative and a key phrase each, Russian and English",
        ("", "median", "p95", "highest", "target"),
        rows,
        ("Misspelt: two letters of every long word swapped. Essay: sixty other words before the question.",),
    )


def _built(build: Callable[[], T]) -> tuple[T, BuildCost]:
    gc.collect()
    process = psutil.Process()
    before, began = process.memory_info().rss, time.perf_counter()
    built = build()
    seconds = time.perf_counter() - began
    gc.collect()
    return built, BuildCost(seconds, (process.memory_info().rss - before) / _MEBIBYTE)


def _timed(asked: Sequence[FaqQuery], ask: Callable[[FaqQuery], object], repeats: int = 1) -> dict[str, list[float]]:
    """Seconds by kind of message, ascending."""
    found: dict[str, list[float]] = defaultdict(list)
    for query in asked:
        for _ in range(repeats):
            began = time.perf_counter()
            ask(query)
            found[query.kind].append(time.perf_counter() - began)
    return {kind: sorted(values) for kind, values in found.items()}


def _found(
    entries: Sequence[FaqEntry], asked: Sequence[FaqQuery], book: ExactMatchIndex, ranking: Ranking
) -> dict[str, float]:
    """The share of messages of each kind with a match."""
    hits: dict[str, list[float]] = defaultdict(list)
    for query in asked:
        match = book.lookup(query.text, query.language) or ranking.match(query.text, query.language)
        hits[query.kind].append(float(match is not None))
    return {kind: sum(values) / len(values) for kind, values in hits.items()}


def _row(name: str, values: Sequence[float], scale: float, unit: str, target: str) -> tuple[str, ...]:
    figures = (percentile(values, share) * scale for share in (0.5, 0.95, 1.0))
    return (name, *(f"{figure:.2f} {unit}" for figure in figures), target)


def _line(name: str, built: BuildCost) -> tuple[str, str, str]:
    return name, f"{built.seconds:.2f}", f"{built.memory_mib:.0f}"


def _figures(values: Sequence[float], scale: float) -> dict[str, float]:
    spread = Spread.of([value * scale for value in values])
    return {"median": spread.median, "p95": percentile(values, 0.95) * scale, "high": spread.high}


def _now() -> datetime:
    return datetime.now(UTC)
