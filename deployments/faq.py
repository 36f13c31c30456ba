"""The FAQ deployment: ranked answers to similar questions. Doors answer exact matches themselves."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from ray import serve

from deployments import names
from deployments.answers.ranking import Ranking
from deployments.arguments import FaqArgs
from deployments.clients import door_name, office_client
from deployments.contracts.errors import ServiceStopped, Unavailable
from deployments.contracts.events import AnswerMatch
from deployments.contracts.settings import Snapshot
from deployments.contracts.speech import EngineStatus
from deployments.conversation.faq_answers import RankedAnswers
from deployments.conversation.snapshot_feed import SnapshotFeed
from deployments.hosting import host

_FIRST_SNAPSHOT_S = 5.0
_CANDIDATES = 5
_START_COMMAND = f"POST /admin/services/{names.FAQ}/start"

T = TypeVar("T")


class Faq:
    """Keeps the ranking of the current snapshot in memory. Implements ``Unloadable``."""

    def __init__(self) -> None:
        self._answers = RankedAnswers(lambda: datetime.now(UTC))
        self._stopped = False
        self._ongoing = 0

    async def start(self) -> None:
        self._start_feed()

    def load(self) -> None:
        """Starts to follow the snapshots again."""
        if self._stopped:
            self._stopped = False
            self._start_feed()

    async def unload(self) -> None:
        """Drops the ranking. Doors answer without ranked matches then."""
        self._stopped = True
        await self._feed.stop()
        self._answers.clear()

    def ongoing(self) -> int:
        return self._ongoing

    async def statuses(self) -> tuple[EngineStatus, ...]:
        ready = self._answers.ranking is not None
        error, remedy = ("stopped by an administrator", _START_COMMAND) if self._stopped else ("", "")
        loading = not ready and not self._stopped
        return (EngineStatus(names.FAQ, "answers", "ranking", ready, error=error, remedy=remedy, loading=loading),)

    async def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        return await self._query(lambda ranking: ranking.match(text, locale))

    async def candidates(self, text: str, locale: str | None) -> tuple[AnswerMatch, ...]:
        nearest = await self._query(lambda ranking: ranking.candidates(text, locale, _CANDIDATES))
        return tuple(candidate.match for candidate in nearest)

    async def stop(self) -> None:
        await self._feed.stop()

    def _start_feed(self) -> None:
        self._feed = SnapshotFeed(office_client(), door_name(), self._prepare)
        self._feed.start()

    def _prepare(self, snapshot: Snapshot) -> None:
        self._answers.prepare(snapshot)
        if self._stopped:
            self._answers.clear()

    async def _query(self, query: Callable[[Ranking], T]) -> T:
        self._ongoing += 1
        try:
            return await asyncio.to_thread(query, await self._ranking())
        finally:
            self._ongoing -= 1

    async def _ranking(self) -> Ranking:
        if self._stopped:
            raise ServiceStopped("ranked answers were stopped by an administrator", remedy=_START_COMMAND)
        await self._feed.wait(_FIRST_SNAPSHOT_S)
        if self._answers.ranking is None:
            raise Unavailable("the FAQ ranking is not loaded yet", retry_after_s=2)
        return self._answers.ranking


def build_faq(args: FaqArgs) -> serve.Application:
    return host(Faq, args, names.FAQ)
