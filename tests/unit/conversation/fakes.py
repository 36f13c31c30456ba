"""Fakes for tests of the conversation package: answer books, engines, caches and offices."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from deployments.contracts.chat import ChatTurn
from deployments.contracts.engines import ChatEvent
from deployments.contracts.errors import ConversationTooLong, InvalidRequest, Unavailable
from deployments.contracts.events import AnswerMatch
from deployments.contracts.reports import DoorReport, KeyUsage, ReportAcknowledgement, UsageCount
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import EngineStatus
from deployments.engines.chat.echo import EchoEngine, EchoOptions
from tests.unit.conversation.harness import RecordingTurnObserver

NOON_S = 1_900_000_800.0 - 1_900_000_800.0 % 86_400 + 43_200
"""Unix seconds of noon on ``DAY``, in UTC."""
DAY = "2030-03-17"


class FixedAnswerBook:
    """An ``AnswerBook`` that always returns the same match."""

    match = AnswerMatch(9, "Похоже.", "ru", "ranked", 90.0, "похожее")

    async def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        return self.match


class FailingAnswerBook:
    """An ``AnswerBook`` that raises Unavailable."""

    async def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        raise Unavailable("the FAQ deployment is down")


class SlowAnswerBook(FixedAnswerBook):
    """An ``AnswerBook`` that waits, and records whether the model had started by then."""

    def __init__(self, match: AnswerMatch | None) -> None:
        self.match = match
        self.model_started: list[bool] = []
        self.observer: RecordingTurnObserver | None = None

    async def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        await asyncio.sleep(0.05)
        assert self.observer is not None
        self.model_started.append(self.observer.opened["llm"] == 1)
        return self.match


class HangingAnswerBook:
    """An ``AnswerBook`` that never returns."""

    async def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        await asyncio.Event().wait()
        return None


class SmallContextEngine:
    """An echo engine whose context has at most ``max_messages`` messages."""

    def __init__(self, max_messages: int = 2) -> None:
        self._max_messages = max_messages
        self.prompt_lengths: list[int] = []
        self._echo = EchoEngine(EchoOptions())

    async def start(self) -> None:
        await self._echo.start()

    async def stop(self) -> None:
        await self._echo.stop()

    def status(self) -> EngineStatus:
        return self._echo.status()

    def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        self.prompt_lengths.append(len(turn.messages))
        assert len(self.prompt_lengths) < 50
        if len(turn.messages) > self._max_messages:
            raise ConversationTooLong("too long")
        return self._echo.stream(turn)


class MemoryBlobCache:
    """A ``SharedBlobCache`` in a dictionary."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    async def get(self, name: str) -> bytes | None:
        return self.blobs.get(name)

    async def put(self, name: str, content: bytes) -> None:
        self.blobs[name] = content

    async def forget(self, group: str) -> None:
        self.blobs = {name: content for name, content in self.blobs.items() if not name.startswith(f"{group}:")}


class UnreliableOffice:
    """An ``OfficeLink`` that fails on demand. It rejects reports with a turn in ``rejected_turns`` and, with
    ``rejects_hits``, reports with FAQ hits."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Snapshot | Exception] = asyncio.Queue()
        self.requested_revisions: list[int] = []
        self.reports: list[DoorReport] = []
        self.away = self.rejects_hits = False
        self.rejected_turns: set[str] = set()

    async def snapshots(self, after_revision: int, subscriber: str) -> AsyncIterator[Snapshot]:
        self.requested_revisions.append(after_revision)
        while True:
            item = await self.queue.get()
            if isinstance(item, Exception):
                raise item
            yield item

    async def report(self, report: DoorReport) -> None:
        if self.away:
            raise ConnectionError("the office is down")
        if self.rejected_turns & {each.turn_id for each in report.exchanges} or (self.rejects_hits and report.faq_hits):
            raise InvalidRequest("a value is too long")
        self.reports.append(report)

    @property
    def turns(self) -> list[str]:
        return [each.turn_id for report in self.reports for each in report.exchanges]


class UsageClock:
    """A clock of Unix seconds that tests set."""

    def __init__(self) -> None:
        self.now = NOON_S

    def __call__(self) -> float:
        return self.now


class EmptySnapshotSource:
    """A ``SnapshotSource`` with default settings."""

    current, ready = Snapshot(), True


class CountingOffice:
    """An ``OfficeLink`` that sums up usage. ``away`` loses reports, ``mute`` loses the acknowledgements."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, str, int]] = set()
        self.tallies: list[UsageCount] = []
        self.away = self.mute = False

    async def snapshots(self, after_revision: int, subscriber: str) -> AsyncIterator[Snapshot]:
        yield Snapshot()

    async def report(self, report: DoorReport) -> ReportAcknowledgement | None:
        if self.away:
            raise ConnectionError("away")
        if (report.door, report.run, report.sequence) not in self.seen:
            self.seen.add((report.door, report.run, report.sequence))
            self.tallies.extend(report.usage)
        if self.mute:
            raise ConnectionError("the answer was lost")
        return ReportAcknowledgement(day=DAY, keys={1: KeyUsage(tokens=self.tokens)})

    @property
    def tokens(self) -> int:
        return sum(tally.prompt_tokens + tally.completion_tokens for tally in self.tallies)


class LanguageEcho(EchoEngine):
    """An echo engine whose model speaks ``languages``. Keeps its turns."""

    def __init__(self, *languages: str, adapters: tuple[str, ...] = ()) -> None:
        super().__init__(EchoOptions(adapters=adapters))
        self.languages = languages
        self.turns: list[ChatTurn] = []

    def status(self) -> EngineStatus:
        return replace(super().status(), languages=self.languages)

    def stream(self, turn: ChatTurn) -> AsyncIterator[ChatEvent]:
        self.turns.append(turn)
        return super().stream(turn)
