"""office-changes: how soon a change is in force everywhere, and how many changes a second the office takes."""

import asyncio
import pickle
import shutil
import sqlite3
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import large_book, panel_change
from benchmarks.pairs import Spread, passes, percentile, ratios
from benchmarks.report import Result, Table
from deployments.administration.faq import FaqDraft
from deployments.administration.office import Office, open_office
from deployments.contracts.chat import Source, SourceKind
from deployments.contracts.reports import DoorReport
from deployments.contracts.settings import Exchange, Snapshot
from deployments.contracts.streams import Closing
from deployments.conversation.prepared import ExactAnswers
from deployments.conversation.snapshots import SnapshotFeed
from storage.database import _PRAGMAS
from storage.environment import Environment

FOLLOWED_MS, OF_BARE = 500.0, 0.5
"""Targets: from commit to the slowest replica, and changes per second as a share of bare sqlite3's."""

_API = Source(SourceKind.API)
_FEEDS = 8
_BATCH = 500
_AT = "2026-11-23 09:00:00.123456"


def measure(quick: bool) -> Result:
    entries, changes, seconds, count = (1_000, 10, 0.5, 2) if quick else (10_000, 100, 3.0, 6)
    with TemporaryDirectory(prefix="secretary-bench-") as name:
        few, many = asyncio.run(_followed(Path(name), entries, changes))
        gateway = panel_change.measured(Path(name) / "cluster", 3 if quick else 20)
        rates = asyncio.run(_rates(Path(name), seconds, count))
    rows = [
        _lag_row(f"a setting, {_FEEDS} replicas, the seed's answers", few["setting"]),
        _lag_row(f"a prepared answer, {_FEEDS} replicas, the seed's answers", few["answer"]),
        _lag_row(f"a setting, {_FEEDS} replicas, {entries} answers", many["setting"]),
        _lag_row(f"a prepared answer, {_FEEDS} replicas, {entries} answers", many["answer"], target=False),
        _lag_row("a prepared answer, the gateway of a running secretary", gateway),
    ]
    lag = Table(
        "From commit to the moment the slowest replica follows",
        ("change", "median, ms", "p95, ms", "highest, ms", f"target: p95 < {FOLLOWED_MS:.0f} ms"),
        rows,
        (
            f"{_FEEDS} replicas: real feeds in the office's own process, each with a pickled copy of every snapshot "
            "and an answer book of its own, built anew when an answer changes; a cluster has more processes for it.",
            "Gateway: saved in the panel by a real browser; from the moment that is stored in the row to the first "
            "answer of POST /v1/chat/completions with it, asked every few milliseconds.",
        ),
    )
    raw = {"few": few, "many": many, "gateway": gateway, "rates": rates}
    return Result((lag, _rate_table(rates, count, seconds)), raw)


class _InProcess:
    """The office's stream as it arrives in another process: every snapshot is a copy of its own."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def snapshots(self, after_revision: int, subscriber: str) -> AsyncGenerator[Snapshot]:
        async with Closing(self._office.publisher.subscribe(after_revision, subscriber)) as snapshots:
            async for snapshot in snapshots:
                yield pickle.loads(pickle.dumps(snapshot))

    async def report(self, report: DoorReport) -> None:
        await self._office.reports.accept(report)


@dataclass(frozen=True, slots=True)
class _Replicas:
    office: Office
    feeds: tuple[SnapshotFeed, ...]

    async def lag_ms(self, change: Callable[[], object]) -> float:
        """Milliseconds from the publication that follows the commit to the slowest feed."""
        revision = self.office.publisher.current.revision + 1
        task = asyncio.ensure_future(change())  # type: ignore[arg-type]
        while self.office.publisher.current.revision < revision:
            await asyncio.sleep(0)
        committed = time.perf_counter()
        while any(feed.current.revision < revision for feed in self.feeds):
            await asyncio.sleep(0)
        elapsed = time.perf_counter() - committed
        await task
        return elapsed * 1000


@asynccontextmanager
async def _office(data: Path) -> AsyncIterator[Office]:
    office = await open_office(Environment(data=data, admin_password="a long enough password", api_key="sk-sec-" * 6))
    try:
        yield office
    finally:
        await office.close()


@asynccontextmanager
async def _replicas(office: Office) -> AsyncIterator[_Replicas]:
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
    async with _office(directory / "few") as office:
        few = await _lags(office, changes)
    async with _office(directory / "many") as office:
        async with office.database.unit_of_work() as work:
            for entry in large_book.entries(entries):
                await work.faq.add(entry)
        many = await _lags(office, changes // 5)
    return few, many


async def _lags(office: Office, changes: int) -> dict[str, list[float]]:
    numbers = iter(range(1, 2 * changes + 1))
    async with _replicas(office) as replicas:
        settings = [await replicas.lag_ms(lambda: _tune(office, next(numbers))) for _ in range(changes)]
        answers = [await replicas.lag_ms(lambda: _teach(office, next(numbers))) for _ in range(changes)]
    return {"setting": sorted(settings), "answer": sorted(answers)}


async def _tune(office: Office, number: int) -> None:
    settings = office.publisher.current.settings
    llm = settings.llm.model_copy(update={"max_tokens": number % 30_000 + 1})
    await office.settings.update(settings.model_copy(update={"llm": llm}), office.publisher.current.revision, "bench")


async def _teach(office: Office, number: int) -> None:
    await office.faq.create(FaqDraft(question=f"Вопрос {number}", answer="Да. " * 20), "bench")


async def _rates(directory: Path, seconds: float, count: int) -> dict[str, list[float]]:
    """Per second: changes of a setting and stored exchanges, ours and bare."""
    found: dict[str, list[float]] = {}
    async with _office(directory / "rates") as office:
        async with office.database.unit_of_work() as work:
            revision = await work.revisions.current()
        session = (await office.conversations.open(_API, "anna")).session_id
        ours = _Ours(office, session)
        bare = _Bare(_copy(directory / "rates" / "secretary.db"), revision, session)
        with closing(bare.connection):
            for side in (side for one_pass in passes((ours, bare), count) for side in one_pass):
                for name, one, worth in (("changes", side.change, 1), ("exchanges", side.report, _BATCH)):
                    rate = await _per_second(one, seconds) * worth
                    found.setdefault(f"{side.name} {name}", []).append(rate)
    return found


def _copy(path: Path) -> Path:
    """The same schema and rows in a file of its own, without what is still in the log of ``path``."""
    target = path.with_name("bare.db")
    shutil.copyfile(path, target)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as connection:
        source.backup(connection)
    return target


async def _per_second(one: Callable[[], object], seconds: float) -> float:
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        found = one()
        if asyncio.iscoroutine(found):
            await found
        done += 1
    return done / (time.perf_counter() - began)


class _Ours:
    name = "office"

    def __init__(self, office: Office, session: str) -> None:
        self._office = office
        self._session = session
        self._number = 0

    async def change(self) -> None:
        self._number += 1
        await _tune(self._office, self._number)

    async def report(self) -> None:
        self._number += 1
        exchanges = tuple(_exchange(f"turn-{self._number}-{position}", self._session) for position in range(_BATCH))
        await self._office.reports.accept(
            DoorReport(door="bench", sequence=self._number, revision=1, exchanges=exchanges)
        )


class _Bare:
    """What remains when only the rows count: the same tables, pragmas and sizes, no checks and no objects."""

    name = "sqlite3"

    def __init__(self, path: Path, revision: int, session: str) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        for pragma in _PRAGMAS:
            self.connection.execute(pragma)
        self._revision = revision
        self._session = session
        self._turns = 0

    def change(self) -> None:
        self._revision += 1
        value = f'{{"temperature": 0.7, "top_p": 0.9, "max_tokens": {self._revision}, "history_chars": 6000}}'
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        execute("INSERT INTO revisions (revision, created_at) VALUES (?, ?)", (self._revision, _AT))
        execute(
            "REPLACE INTO settings (name, value, revision, updated_at) VALUES ('llm', ?, ?, ?)",
            (value, self._revision, _AT),
        )
        execute(
            "INSERT INTO audit_log (created_at, username, action, resource, resource_id, address, detail)"
            " VALUES (?, 'bench', 'update', 'settings', '', '', 'llm')",
            (_AT,),
        )
        execute("COMMIT")

    def report(self) -> None:
        self._turns += 1
        names = (f"bare-{self._turns}-{position}" for position in range(_BATCH))
        rows = [_exchange(name, self._session).model_dump(mode="json") for name in names]
        columns = tuple(Exchange.model_fields)
        places = ", ".join(f":{column}" for column in columns)
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany(f"INSERT INTO exchanges ({', '.join(columns)}) VALUES ({places})", rows)
        for role, content in (("user", ":question"), ("assistant", ":answer")):
            self.connection.executemany(
                "INSERT INTO chat_messages (session_id, turn_id, role, content, created_at)"
                f" VALUES (:session_id, :turn_id, '{role}', {content}, :created_at)",
                rows,
            )
        self.connection.execute("COMMIT")


def _exchange(turn_id: str, session: str) -> Exchange:
    return Exchange(
        turn_id=turn_id,
        session_id=session,
        source_kind=_API.kind.value,
        question="Сколько стоит доставка в Тулу?",
        answer="Да. " * 50,
        route="local",
        created_at=datetime.now(UTC),
    )


def _lag_row(name: str, lags: list[float], *, target: bool = True) -> tuple[str, ...]:
    figures = [percentile(sorted(lags), share) for share in (0.5, 0.95, 1.0)]
    verdict = "met" if figures[1] < FOLLOWED_MS else "missed"
    return (name, *(f"{figure:.1f}" for figure in figures), verdict if target else "none")


def _rate_table(rates: dict[str, list[float]], count: int, seconds: float) -> Table:
    rows = []
    for what, target in (("changes", OF_BARE), ("exchanges", OF_BARE)):
        ours, bare = rates[f"office {what}"], rates[f"sqlite3 {what}"]
        share = ratios(ours, bare)
        verdict = "met" if share.median >= target else "missed"
        rows.append((what, Spread.of(ours).text(".0f"), Spread.of(bare).text(".0f"), share.text(".2f", " x"), verdict))
    return Table(
        "Committed per second, against bare sqlite3 with the same tables, pragmas and row sizes",
        ("", "office", "sqlite3", "office / sqlite3", f"target: {OF_BARE} x"),
        rows,
        (
            f"{count} passes in ABBA order, {seconds:.1f} s each, median (lowest–highest); every commit waits for the "
            "disk. Changes: one after the other, with check, audit row and publication.",
            f"Exchanges: {_BATCH} of one conversation in a report, each with its two messages, as after an outage.",
        ),
    )
