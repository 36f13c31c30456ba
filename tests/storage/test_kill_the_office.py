"""The office is killed fifty times under load: nothing acknowledged is lost or stored twice, and doors answer on."""

import asyncio
import itertools
import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from deployments.contracts.errors import Unavailable
from deployments.contracts.settings import Exchange
from deployments.conversation.faq_answers import ExactAnswers
from deployments.conversation.report_outbox import ReportOutbox
from deployments.conversation.snapshot_feed import SnapshotFeed
from tests.storage.served_office import SHOP, Json, serve_office
from tests.storage.socket_office import SocketOfficeClient

KILLS, OF_THEM_WHILE_STARTING = 50, 12
_LOOKUPS_PER_TURN = 8
_UP_WITHIN_S = 20.0
_FOLLOWS_WITHIN_S = 5.0


@dataclass
class Ledger:
    """What the office has acknowledged, and what a door has recorded without waiting for anybody."""

    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Entry id -> version and answer."""
    questions: dict[str, str] = field(default_factory=dict)
    max_tokens: int = 0
    acknowledged: int = 0
    turns: list[str] = field(default_factory=list)

    def so_far(self) -> "Ledger":
        return replace(self, answers=dict(self.answers), questions=dict(self.questions))

    def compare(self, stored: Json, first_revision: int) -> None:
        assert stored["integrity"] == []
        for entry_id, (version, answer) in self.answers.items():
            stored_version, stored_answer, _ = stored["entries"][entry_id]
            assert stored_version > version or (stored_version, stored_answer) == (version, answer)
            assert stored["audited"][f"create faq {entry_id}"] == 1
            assert stored["audited"].get(f"update faq {entry_id}", 0) == stored_version - 1
        assert stored["max_tokens"] >= self.max_tokens
        assert sum(stored["audited"].values()) == stored["revision"] - first_revision >= self.acknowledged
        assert stored["turns"] == self.turns[: len(stored["turns"])], "lost, doubled or out of order"
        assert stored["messages"] == [f"{role} {turn}" for turn in stored["turns"] for role in ("user", "assistant")]


class Door:
    """A real feed, a real outbox, a real answer book, and a clerk who changes things."""

    def __init__(self, link: SocketOfficeClient, session: str, hit: int) -> None:
        self.link = link
        self.ledger = Ledger()
        self.exact = ExactAnswers(lambda: datetime.now(UTC))
        self.feed = SnapshotFeed(link, "door", self.exact.prepare)
        self.outbox = ReportOutbox(link, "door", self.feed)
        self._session, self._hit = session, hit

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        self.feed.start()
        self.outbox.start()
        assert await self.feed.wait(_FOLLOWS_WITHIN_S)
        tasks = [asyncio.create_task(work) for work in (self._create(), self._tune(), self._answer())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            await self.outbox.stop()
            await self.feed.stop()
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes), outcomes

    async def _create(self) -> None:
        for number in itertools.count():
            question, answer = f"Вопрос {number}", "Да." * 25
            try:
                created = await self.link.call("create", question=question, answer=answer)
                entry = str(created["id"])
                self._acknowledged(entry, question, created["version"], answer)
                answer = f"Нет, {number}."
                rewritten = await self.link.call("rewrite", id=created["id"], answer=answer)
                self._acknowledged(entry, question, rewritten["version"], answer)
            except Unavailable:
                await asyncio.sleep(0.02)

    def _acknowledged(self, entry: str, question: str, version: int, answer: str) -> None:
        self.ledger.answers[entry] = (version, answer)
        self.ledger.questions[entry] = question
        self.ledger.acknowledged += 1

    async def _tune(self) -> None:
        for number in itertools.count(1):
            try:
                await self.link.call("tune", max_tokens=number)
                self.ledger.max_tokens = number
                self.ledger.acknowledged += 1
            except Unavailable:
                await asyncio.sleep(0.02)

    async def _answer(self) -> None:
        """Turns as people ask them, office or not."""
        seen = 0
        for number in itertools.count():
            match = self.exact.lookup("Спасибо", "ru")
            assert match is not None, "a prepared answer is gone"
            assert self.feed.current.revision >= seen, "the revision went back"
            seen = self.feed.current.revision
            if number % _LOOKUPS_PER_TURN == 0:
                self._record(f"turn-{number // _LOOKUPS_PER_TURN}")
            await asyncio.sleep(0.004)

    def _record(self, turn_id: str) -> None:
        self.ledger.turns.append(turn_id)
        self.outbox.stage("faq", 0.001, "telegram", f"faq:{self._hit}")
        self.outbox.exchange(
            Exchange(
                turn_id=turn_id,
                session_id=self._session,
                source_kind=SHOP.kind.value,
                source_id=SHOP.instance_id,
                question="Спасибо",
                answer="Пожалуйста",
                route=f"faq:{self._hit}",
                faq_entry_id=self._hit,
                created_at=datetime.now(UTC),
            )
        )

    async def follows(self, revision: int, questions: Mapping[str, str]) -> None:
        """``questions`` are of ``revision`` or before: what was acknowledged since may still be on its way here."""
        async with asyncio.timeout(_FOLLOWS_WITHIN_S):
            while self.feed.current.revision < revision:
                await asyncio.sleep(0.01)
        for entry, question in questions.items():
            match = self.exact.lookup(question, "ru")
            assert match is not None
            assert match.entry_id == int(entry)


class Victim:
    """The process of the office: forked from a process that has imported everything, so that it is there at once."""

    def __init__(self, data: Path, socket: Path) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([serve_office.__module__])
        self._arguments = (data, socket)
        self._process: BaseProcess | None = None
        self.kills = 0

    def start(self) -> None:
        self._process = self._context.Process(target=serve_office, args=self._arguments, daemon=True)
        self._process.start()

    def kill(self) -> None:
        if self._process is not None and self._process.is_alive():
            self._process.kill()
            self._process.join()
            self.kills += 1


@contextmanager
def _seeded() -> Iterator[random.Random]:
    seed = int(os.environ.get("KILL_SEED", time.time_ns() & 0xFFFFFFFF))
    print(f"KILL_SEED={seed}")
    yield random.Random(seed)


async def _killed_while_starting(victim: Victim, rng: random.Random, times: int) -> None:
    """From the first byte of an empty folder on, at moments of migration, preparation and opening."""
    for _ in range(times):
        victim.start()
        await asyncio.sleep(rng.uniform(0, 0.4))
        await asyncio.to_thread(victim.kill)


async def _restart(victim: Victim, link: SocketOfficeClient) -> None:
    victim.start()
    await link.wait_until_ready(_UP_WITHIN_S)


@pytest.mark.slow
async def test_nothing_is_lost_or_doubled_when_the_office_is_killed_fifty_times(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        rng = stack.enter_context(_seeded())
        short = stack.enter_context(tempfile.TemporaryDirectory())  # a socket's path has 107 characters at most
        socket = Path(short) / "office"
        victim, link = Victim(tmp_path / "data", socket), SocketOfficeClient(socket)
        stack.callback(victim.kill)
        await _killed_while_starting(victim, rng, OF_THEM_WHILE_STARTING)
        await _restart(victim, link)
        stored = await link.call("inspect")
        first_revision, hit = stored["revision"], int(next(iter(stored["entries"])))
        door = Door(link, (await link.call("open", person="anna"))["session"], hit)
        async with door.at_work():
            while victim.kills < KILLS:
                await asyncio.sleep(rng.uniform(0.01, 0.3))
                await asyncio.to_thread(victim.kill)
                await asyncio.sleep(rng.choice((0.0, 0.1)))
                await _restart(victim, link)
                ledger, before, stored = door.ledger.so_far(), stored["revision"], await link.call("inspect")
                assert stored["revision"] >= before
                ledger.compare(stored, first_revision)
                if rng.random() < 0.3:
                    await door.follows(stored["revision"], ledger.questions)
        stored = await link.call("inspect")
        door.ledger.compare(stored, first_revision)
        assert stored["turns"] == door.ledger.turns
        assert stored["entries"][str(hit)][2] == len(door.ledger.turns), "hits are counted once"
        assert door.outbox.dropped == 0
        assert door.ledger.acknowledged > KILLS
        print(f"{door.ledger.acknowledged} changes, {len(door.ledger.turns)} turns, {victim.kills} kills")
