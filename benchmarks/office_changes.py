"""office-changes: time from a change to the slowest replica, and changes per second of the office."""

import asyncio
import pickle
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import faq_dataset as large_book
from benchmarks import rest_change
from benchmarks.comparison import percentile
from benchmarks.office_rates import change_setting, measure_rates, opened_office, rate_table
from benchmarks.report import BenchmarkResult, ResultTable
from deployments.administration.faq.service import FaqDraft
from deployments.administration.office.composition import OfficeServices
from deployments.contracts.reports import DoorReport
from deployments.contracts.snapshot import Snapshot, SnapshotChange
from deployments.contracts.streams import Closing
from deployments.conversation.faq_answers import ExactAnswers
from deployments.conversation.snapshot_feed import SnapshotFeed
from deployments.conversation.snapshot_stream import decode_snapshots, encode_snapshots

LAG_TARGET_MS = 500.0
"""Target: from commit to the slowest replica."""

_FEEDS = 8


def measure(quick: bool) -> BenchmarkResult:
    entries, changes, seconds, count = (1_000, 10, 0.5, 2) if quick else (10_000, 100, 3.0, 6)
    with TemporaryDirectory(prefix="secretary-bench-") as name:
        few, many = asyncio.run(_followed(Path(name), entries, changes))
        gateway = rest_change.measure_lags_ms(Path(name) / "cluster", 3 if quick else 20)
        rates_found = asyncio.run(measure_rates(Path(name), seconds, count))
    rows = [
        _lag_row(f"a setting, {_FEEDS} replicas, the seed's answers", few["setting"]),
        _lag_row(f"a prepared answer, {_FEEDS} replicas, the seed's answers", few["answer"]),
        _lag_row(f"a setting, {_FEEDS} replicas, {entries} answers", many["setting"]),
        _lag_row(f"a prepared answer, {_FEEDS} replicas, {entries} answers", many["answer"], target=False),
        _lag_row("a prepared answer, the gateway of a running secretary", gateway),
    ]
    lag = ResultTable(
        "From commit to the slowest replica",
        ("change", "median, ms", "p95, ms", "highest, ms", f"target: p95 < {LAG_TARGET_MS:.0f} ms"),
        rows,
        (
            f"{_FEEDS} replicas: real feeds in the office's own process, each with what the stream brings, pickled, "
            "and an answer book of its own, which takes over what did not change; a cluster has more processes for it.",
            "Gateway: saved by POST /admin/faq; from the moment that is stored in the row to the first answer of POST "
            "/v1/chat/completions with it, asked every few milliseconds.",
        ),
    )
    raw = {"few": few, "many": many, "gateway": gateway, "rates": rates_found}
    return BenchmarkResult((lag, rate_table(rates_found, count, seconds)), raw)


class _InProcess:
    """The snapshot stream of the office, pickled and unpickled as between processes."""

    def __init__(self, office: OfficeServices) -> None:
        self._office = office

    def snapshots(self, after_revision: int, subscriber: str) -> AsyncGenerator[Snapshot]:
        return decode_snapshots(
            _pickled(encode_snapshots(self._office.publisher.subscribe(after_revision, subscriber)))
        )

    async def report(self, report: DoorReport) -> None:
        await self._office.report_ingest.accept(report)


async def _pickled(items: AsyncIterator[Snapshot | SnapshotChange]) -> AsyncGenerator[Snapshot | SnapshotChange]:
    async with Closing(items) as stream:
        async for item in stream:
            yield pickle.loads(pickle.dumps(item))


@dataclass(frozen=True, slots=True)
class _Replicas:
    office: OfficeServices
    feeds: tuple[SnapshotFeed, ...]

    async def lag_ms(self, change: Callable[[], Coroutine[None, None, None]]) -> float:
        """Milliseconds from the publication that follows the commit to the slowest feed."""
        revision = self.office.publisher.current.revision + 1
        task = asyncio.create_task(change())
        while self.office.publisher.current.revision < revision:
            await asyncio.sleep(0)
        committed = time.perf_counter()
        while any(feed.current.revision < revision for feed in self.feeds):
            await asyncio.sleep(0)
        elapsed = time.perf_counter() - committed
        await task
        return elapsed * 1000


@asynccontextmanager
async def _replicas(office: OfficeServices) -> AsyncIterator[_Replicas]:
    link = _InProcess(office)
    feeds = tuple(
        SnapshotFeed(link, f"replica {number}", ExactAnswers(lambda: datetime.now(UTC)).prepare)
        for number in range(_FEEDS)
    )
    for feed in feeds:
        feed.start()
    for feed in feeds:
        await feed.wait(60)
    try:
        yield _Replicas(office, feeds)
    finally:
        for feed in feeds:
            await feed.stop()


async def _followed(directory: Path, entries: int, changes: int) -> tuple[dict[str, list[float]], ...]:
    async with opened_office(directory / "few") as office:
        few = await _lags(office, changes)
    async with opened_office(directory / "many") as office:
        async with office.database.unit_of_work() as work:
            for entry in large_book.generate_entries(entries):
                await work.faq.add(entry)
        await _create_entry(office, 0)  # entries added below the services are published with the next change
        many = await _lags(office, changes // 5)
    return few, many


async def _lags(office: OfficeServices, changes: int) -> dict[str, list[float]]:
    numbers = iter(range(1, 2 * changes + 1))
    async with _replicas(office) as replicas:
        settings = [await replicas.lag_ms(lambda: change_setting(office, next(numbers))) for _ in range(changes)]
        answers = [await replicas.lag_ms(lambda: _create_entry(office, next(numbers))) for _ in range(changes)]
    return {"setting": sorted(settings), "answer": sorted(answers)}


async def _create_entry(office: OfficeServices, number: int) -> None:
    await office.faq.create(FaqDraft(question=f"Вопрос {number}", answer="Да. " * 20), "bench")


def _lag_row(name: str, lags: list[float], *, target: bool = True) -> tuple[str, ...]:
    figures = [percentile(sorted(lags), share) for share in (0.5, 0.95, 1.0)]
    verdict = "met" if figures[1] < LAG_TARGET_MS else "missed"
    return (name, *(f"{figure:.1f}" for figure in figures), verdict if target else "none")
