"""office: the list of 100,000 stored conversations, by query."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import httpx
from pydantic import SecretStr
from sqlalchemy import Connection, insert, update

from benchmarks.report import BenchmarkResult, ResultTable
from deployments.administration.office.composition import OfficeServices, open_office
from deployments.api.admin.app import AdminApp, GateDependencies
from deployments.api.admin.chat.routes import chat_router
from deployments.api.metrics import Metrics
from deployments.contracts.identity import Identity, Role
from deployments.contracts.snapshot import Snapshot
from deployments.conversation.assistant import ConversationAssistant, TurnPipeline
from deployments.conversation.faq_answers import ExactAnswers, FaqLookup
from deployments.conversation.observers import CompositeObserver
from storage.environment import Environment
from storage.models import ChatMessageRow, ChatSessionRow

TARGET_MS = 30.0
OWNERS = 100
MESSAGES_PER_LONG_SESSION = 2_000
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_ROWS_AT_ONCE = 2_000

QUERIES = {
    "the first page of 50": "?limit=50",
    "the first page of 500": "?limit=500",
    "the page after 50,000": "?offset=50000",
    "one source": "?source=telegram",
    "grouped by source": "?group_by=source",
    "one owner of a hundred": "?owner=owner7",
    "titles with a word that 1 in 1,000 has": "?search=%D1%81%D0%BB%D0%BE%D0%B2%D0%BE%20777",
}


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """Milliseconds of one request, from the gate to the last byte of the reply."""

    p50: float
    p95: float
    worst: float


def measure(quick: bool) -> BenchmarkResult:
    sessions, long_ones, times = (10_000, 5, 20) if quick else (100_000, 50, 200)
    with TemporaryDirectory(prefix="secretary-bench-") as folder:
        empty, full = asyncio.run(_measure(Path(folder), sessions, long_ones, times))
    rows = [
        (what, _ms(empty[what].p50), _ms(full[what].p50), _ms(full[what].p95), _verdict(full[what].p50))
        for what in QUERIES
    ]
    table = ResultTable(
        f"List of conversations, {sessions:,} stored ({times} requests each, milliseconds)",
        (
            "asked for",
            "no messages, p50",
            f"{long_ones} with {MESSAGES_PER_LONG_SESSION:,} messages, p50",
            "p95",
            f"p50 < {TARGET_MS:.0f} ms",
        ),
        rows,
        (
            "In the process of the office: gate, use case, SQLite on disk, JSON. One request at a time.",
            "The total is counted with every request. A search reads all titles.",
        ),
    )
    raw = {name: {what: [m.p50, m.p95, m.worst] for what, m in part.items()} for name, part in _named(empty, full)}
    return BenchmarkResult((table,), raw)


def _named(
    empty: dict[str, LatencySummary], full: dict[str, LatencySummary]
) -> tuple[tuple[str, dict[str, LatencySummary]], ...]:
    return (("no messages", empty), ("with messages", full))


async def _measure(
    folder: Path, sessions: int, long_ones: int, times: int
) -> tuple[dict[str, LatencySummary], dict[str, LatencySummary]]:
    environment = Environment(
        data=folder / "data",
        database_url=f"sqlite+aiosqlite:///{folder / 'data' / 'bench.db'}",
        admin_password=SecretStr("correct horse"),
    )
    office = await open_office(environment)
    try:
        await office.database.run_sync(lambda connection: _add_sessions(connection, sessions))
        async with _client(office) as client:
            empty = {what: await _time(client, query, times) for what, query in QUERIES.items()}
            await office.database.run_sync(lambda connection: _add_messages(connection, long_ones))
            return empty, {what: await _time(client, query, times) for what, query in QUERIES.items()}
    finally:
        await office.close()


async def _time(client: httpx.AsyncClient, query: str, times: int) -> LatencySummary:
    took = []
    for _ in range(times + 1):
        began = time.perf_counter()
        reply = await client.get(f"/chat/sessions{query}")
        took.append((time.perf_counter() - began) * 1000)
        if reply.status_code != 200 or not reply.json()["total"]:
            raise RuntimeError(f"{query}: {reply.status_code} {reply.text[:200]}")
    ordered = sorted(took[1:])
    return LatencySummary(median(ordered), ordered[int(len(ordered) * 0.95)], ordered[-1])


def _add_sessions(connection: Connection, sessions: int) -> None:
    for rows in _batches(_session(number) for number in range(sessions)):
        connection.execute(insert(ChatSessionRow), rows)


def _session(number: int) -> dict[str, object]:
    moment = _BEGAN - timedelta(seconds=number)
    return {
        "id": f"chat_{number:032x}",
        "source": ("admin", "telegram", "widget", "phone")[number % 4],
        "source_id": "",
        "person": f"person{number}",
        "owner": f"owner{number % OWNERS}",
        "title": f"Разговор, слово {number % 1_000}",
        "title_key": f"разговор слово {number % 1_000}",
        "created_at": moment,
        "updated_at": moment,
    }


def _add_messages(connection: Connection, sessions: int) -> None:
    """Adds messages to the most recent conversations."""
    rows = ({"id": n + 1, **_message(n)} for n in range(sessions * MESSAGES_PER_LONG_SESSION))
    for batch in _batches(rows):
        connection.execute(insert(ChatMessageRow), batch)
    for number in range(sessions):
        last = (number + 1) * MESSAGES_PER_LONG_SESSION
        counted = {"message_count": MESSAGES_PER_LONG_SESSION, "leaf_id": last, "last_message": "Да, до шести."}
        own = ChatSessionRow.id == _message(last - 1)["session_id"]
        connection.execute(update(ChatSessionRow).where(own).values(counted))


def _message(number: int) -> dict[str, object]:
    owner = number // MESSAGES_PER_LONG_SESSION
    return {
        "session_id": f"chat_{owner:032x}",
        "parent_id": number if number % MESSAGES_PER_LONG_SESSION else None,
        "turn_id": f"turn{number // 2}",
        "role": "assistant" if number % 2 else "user",
        "content": "Да, до шести." if number % 2 else "Вы сегодня ещё открыты?",
        "created_at": _BEGAN,
    }


def _batches(rows: Iterator[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    batch: list[dict[str, object]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _ROWS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


class _AdminTokenVerifier:
    """Accepts any token as the administrator."""

    def verify(self, token: str) -> Identity:
        return Identity("admin", Role.ADMIN)

    def is_active(self, identity: Identity) -> bool:
        return True


class _Published:
    def __init__(self, office: OfficeServices) -> None:
        self._office = office

    ready = True

    @property
    def current(self) -> Snapshot:
        return self._office.publisher.current


def _client(office: OfficeServices) -> httpx.AsyncClient:
    published = _Published(office)
    exact = ExactAnswers(lambda: datetime.now(UTC))
    assistant = ConversationAssistant(
        TurnPipeline({}, (), None, FaqLookup(exact, None)), published, CompositeObserver(())
    )
    router = chat_router(office.chat_sessions, office.dialogue, assistant)
    app = AdminApp(GateDependencies(_AdminTokenVerifier(), published, Metrics()), [router])
    transport = httpx.ASGITransport(app, root_path="/admin")
    return httpx.AsyncClient(
        transport=transport, base_url="http://office/admin", headers={"authorization": "Bearer x"}, timeout=60
    )


def _ms(value: float) -> str:
    return f"{value:.1f}"


def _verdict(value: float) -> str:
    return "yes" if value < TARGET_MS else "no"
