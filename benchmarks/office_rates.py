"""Committed changes and exchanges per second of the office, against bare sqlite3 on a copy of its database."""

import gc
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import insert
from sqlalchemy.engine.url import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.comparison import Spread, abba_order, paired_ratios
from benchmarks.report import ResultTable
from benchmarks.server_process import API_KEY, PASSWORD
from deployments.administration.office.composition import OfficeServices, open_office
from deployments.command.garbage_collection import reduce_gc_frequency
from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.exchange import Exchange
from deployments.contracts.reports import DoorReport
from deployments.conversation.report_outbox import EXCHANGES_PER_REPORT
from storage.database import SQLITE_PRAGMAS, create_engine
from storage.environment import Environment
from storage.models import AuditRow, RevisionRow, SettingRow

TARGET_SHARE_OF_SQLITE = 0.5
"""Target: changes per second as a share of bare sqlite3's."""

_API = TurnSource(SourceKind.API)
_AT = "2026-11-23 09:00:00.123456"
_Act = Callable[[], Coroutine[None, None, None] | None]


@asynccontextmanager
async def opened_office(data: Path) -> AsyncIterator[OfficeServices]:
    office = await open_office(Environment(data=data, admin_password=SecretStr(PASSWORD), api_key=SecretStr(API_KEY)))
    try:
        yield office
    finally:
        await office.close()


async def change_setting(office: OfficeServices, number: int) -> None:
    settings = office.publisher.current.settings
    llm = settings.llm.model_copy(update={"max_tokens": number % 30_000 + 1})
    await office.settings.update(settings.model_copy(update={"llm": llm}), office.publisher.current.revision, "bench")


async def measure_rates(directory: Path, seconds: float, count: int) -> dict[str, list[float]]:
    """Changes of a setting and stored exchanges per second, of each side."""
    found: dict[str, list[float]] = {}
    async with opened_office(directory / "rates") as office, _gc_of_secretary_up():
        async with office.database.unit_of_work() as work:
            revision = await work.revisions.current()
        session = (await office.conversations.open(_API, "anna")).session_id
        ours = _OfficeSide(office, session)
        bare = _BareSqlite(_copy(directory / "rates" / "secretary.db", "bare.db"), revision, session)
        toolkit = _SqlAlchemySide(_copy(directory / "rates" / "secretary.db", "toolkit.db"), revision)
        with closing(bare.connection):
            sides: dict[str, dict[str, tuple[_Act, int]]] = {
                "office": {"changes": (ours.change, 1), "exchanges": (ours.report, EXCHANGES_PER_REPORT)},
                "toolkit": {"changes": (toolkit.change, 1)},
                "sqlite3": {"changes": (bare.change, 1), "exchanges": (bare.report, EXCHANGES_PER_REPORT)},
            }
            for side in (side for one_pass in abba_order(list(sides), count) for side in one_pass):
                for what, (act, size) in sides[side].items():
                    found.setdefault(f"{side} {what}", []).append(await _per_second(act, seconds) * size)
        await toolkit.engine.dispose()
    return found


@asynccontextmanager
async def _gc_of_secretary_up() -> AsyncIterator[None]:
    """Runs both sides with the garbage collector of the office process."""
    usual = gc.get_threshold()
    reduce_gc_frequency()
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _copy(path: Path, name: str) -> Path:
    """Copies the database ``path`` to another file with the backup API."""
    target = path.with_name(name)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as connection:
        source.backup(connection)
    return target


async def _per_second(one: _Act, seconds: float) -> float:
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        if (begun := one()) is not None:
            await begun
        done += 1
    return done / (time.perf_counter() - began)


class _OfficeSide:
    def __init__(self, office: OfficeServices, session: str) -> None:
        self._office = office
        self._session = session
        self._number = 0

    async def change(self) -> None:
        self._number += 1
        await change_setting(self._office, self._number)

    async def report(self) -> None:
        self._number += 1
        exchanges = tuple(
            _exchange(f"turn-{self._number}-{position}", self._session) for position in range(EXCHANGES_PER_REPORT)
        )
        await self._office.report_ingest.accept(
            DoorReport(door="bench", run="bench", sequence=self._number, revision=1, exchanges=exchanges)
        )


class _BareSqlite:
    """Bare sqlite3 with the same tables, pragmas and row sizes, without validation or objects."""

    def __init__(self, path: Path, revision: int, session: str) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        for pragma in SQLITE_PRAGMAS:
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
        names = (f"bare-{self._turns}-{position}" for position in range(EXCHANGES_PER_REPORT))
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


class _SqlAlchemySide:
    """Writes the three rows of ``_BareSqlite.change`` through the async engine of SQLAlchemy."""

    def __init__(self, path: Path, revision: int) -> None:
        self.engine: AsyncEngine = create_engine(make_url(f"sqlite+aiosqlite:///{path}"))
        self._revision = revision

    async def change(self) -> None:
        self._revision += 1
        at, number = datetime.now(UTC), self._revision
        async with self.engine.begin() as connection:
            await connection.execute(insert(RevisionRow), {"revision": number, "created_at": at})
            setting = {"name": "llm", "value": {"max_tokens": number}, "revision": number, "updated_at": at}
            await connection.execute(insert(SettingRow).prefix_with("OR REPLACE"), setting)
            event = {"created_at": at, "username": "bench", "action": "update", "resource": "settings", "detail": "llm"}
            await connection.execute(insert(AuditRow), event)


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


def rate_table(found: dict[str, list[float]], count: int, seconds: float) -> ResultTable:
    bare = found["sqlite3 changes"]
    rows = [
        _rate_row("changes", found["office changes"], bare, None),
        _rate_row("its three rows by SQLAlchemy alone", found["toolkit changes"], bare, None),
        _rate_row("exchanges", found["office exchanges"], found["sqlite3 exchanges"], TARGET_SHARE_OF_SQLITE),
    ]
    return ResultTable(
        "Committed per second, against bare sqlite3 with the same tables, pragmas and row sizes",
        ("", "office", "sqlite3", "office / sqlite3", f"target: {TARGET_SHARE_OF_SQLITE} x"),
        rows,
        (
            f"{count} passes in ABBA order, {seconds:.1f} s each, median (lowest–highest); every commit waits for the "
            "disk. Changes: one after the other, with check, audit row and publication.",
            f"Exchanges: {EXCHANGES_PER_REPORT} of one conversation in a report, each with its two messages, as after "
            "an outage.",
            "The target is for exchanges; docs/adr/0012 says why single changes have none.",
        ),
    )


def _rate_row(what: str, ours: list[float], bare: list[float], target: float | None) -> tuple[str, ...]:
    share = paired_ratios(ours, bare)
    verdict = "none" if target is None else "met" if share.median >= target else "missed"
    return (what, Spread.of(ours).format(".0f"), Spread.of(bare).format(".0f"), share.format(".2f", " x"), verdict)
