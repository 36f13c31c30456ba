"""A door that works under load while its office is killed, and what it knows to be stored."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from deployments.contracts.errors import Unavailable
from deployments.contracts.exchange import Exchange
from deployments.conversation.faq_answers import ExactAnswers
from deployments.conversation.report_outbox import ReportOutbox
from deployments.conversation.snapshot_feed import SnapshotFeed
from tests.storage.served_office import SHOP, Json
from tests.storage.socket_office import SocketOfficeClient

_LOOKUPS_PER_TURN = 8
_SNAPSHOT_TIMEOUT_S = 20.0


@dataclass
class AcknowledgedState:
    """What the office has acknowledged, and the turns that the door has recorded. ``answers`` maps the id of an entry
    to its version and answer."""

    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    questions: dict[str, str] = field(default_factory=dict)
    max_tokens: int = 0
    changes: int = 0
    turns: list[str] = field(default_factory=list)

    def copy(self) -> "AcknowledgedState":
        return replace(self, answers=dict(self.answers), questions=dict(self.questions))

    def assert_stored(self, stored: Json, first_revision: int) -> None:
        assert stored["integrity"] == []
        for entry_id, (version, answer) in self.answers.items():
            stored_version, stored_answer, _ = stored["entries"][entry_id]
            assert stored_version > version or (stored_version, stored_answer) == (version, answer)
            assert stored["audited"][f"create faq {entry_id}"] == 1
            assert stored["audited"].get(f"update faq {entry_id}", 0) == stored_version - 1
        assert stored["max_tokens"] >= self.max_tokens
        assert sum(stored["audited"].values()) == stored["revision"] - first_revision >= self.changes
        assert stored["turns"] == self.turns[: len(stored["turns"])], "lost, doubled or out of order"
        assert stored["messages"] == [f"{role} {turn}" for turn in stored["turns"] for role in ("user", "assistant")]


class DoorUnderLoad:
    """A door with a feed, an outbox and exact answers, and a client that changes entries and settings. Every turn hits
    the entry ``hit``."""

    def __init__(self, office: SocketOfficeClient, session_id: str, hit: int) -> None:
        self.acknowledged = AcknowledgedState()
        self._exact = ExactAnswers(lambda: datetime.now(UTC))
        self.feed = SnapshotFeed(office, "door", self._exact.prepare)
        self.outbox = ReportOutbox(office, "door", self.feed)
        self._office, self._session_id, self._hit = office, session_id, hit

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.feed.start()
        self.outbox.start()
        assert await self.feed.wait(_SNAPSHOT_TIMEOUT_S)
        tasks = [asyncio.create_task(each) for each in (self._change_entries(), self._change_settings(), self._turns())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            await self.outbox.stop()
            await self.feed.stop()
        assert all(isinstance(result, asyncio.CancelledError) for result in results), results

    async def wait_for_changes(self, count: int) -> None:
        """Waits until ``count`` more changes are acknowledged."""
        expected = self.acknowledged.changes + count
        while self.acknowledged.changes < expected:
            await asyncio.sleep(0.002)

    async def wait_for_snapshot(self, revision: int, questions: Mapping[str, str]) -> None:
        """Waits for ``revision`` and asserts that it answers ``questions``, which map ids of entries to questions."""
        async with asyncio.timeout(_SNAPSHOT_TIMEOUT_S):
            while self.feed.current.revision < revision:
                await asyncio.sleep(0.01)
        for entry_id, question in questions.items():
            match = self._exact.lookup(question, "ru")
            assert match is not None
            assert match.entry_id == int(entry_id)

    async def _change_entries(self) -> None:
        for number in itertools.count():
            question, answer = f"Вопрос {number}", "Да." * 25
            try:
                created = await self._office.call("create", question=question, answer=answer)
                entry_id = str(created["id"])
                self._acknowledge(entry_id, question, created["version"], answer)
                answer = f"Нет, {number}."
                rewritten = await self._office.call("rewrite", id=created["id"], answer=answer)
                self._acknowledge(entry_id, question, rewritten["version"], answer)
            except Unavailable:
                await asyncio.sleep(0.02)

    def _acknowledge(self, entry_id: str, question: str, version: int, answer: str) -> None:
        self.acknowledged.answers[entry_id] = (version, answer)
        self.acknowledged.questions[entry_id] = question
        self.acknowledged.changes += 1

    async def _change_settings(self) -> None:
        for number in itertools.count(1):
            try:
                await self._office.call("change_settings", max_tokens=number)
                self.acknowledged.max_tokens = number
                self.acknowledged.changes += 1
            except Unavailable:
                await asyncio.sleep(0.02)

    async def _turns(self) -> None:
        """Looks up an answer and records a turn, whether the office runs or not."""
        seen = 0
        for number in itertools.count():
            assert self._exact.lookup("Спасибо", "ru") is not None
            assert self.feed.current.revision >= seen, "the revision decreased"
            seen = self.feed.current.revision
            if number % _LOOKUPS_PER_TURN == 0:
                self._record_turn(f"turn-{number // _LOOKUPS_PER_TURN}")
            await asyncio.sleep(0.004)

    def _record_turn(self, turn_id: str) -> None:
        self.acknowledged.turns.append(turn_id)
        self.outbox.on_stage("faq", 0.001, "telegram", f"faq:{self._hit}")
        self.outbox.on_exchange(
            Exchange(
                turn_id=turn_id,
                session_id=self._session_id,
                source_kind=SHOP.kind.value,
                source_id=SHOP.instance_id,
                question="Спасибо",
                answer="Пожалуйста",
                route=f"faq:{self._hit}",
                faq_entry_id=self._hit,
                created_at=datetime.now(UTC),
            )
        )
