"""The FAQ deployment: answers to similar questions by rank and by meaning. Doors answer exact matches themselves."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from ray import serve

from deployments import names
from deployments.answers.sentence_encoder import UniversalSentenceEncoder
from deployments.arguments import FaqArgs
from deployments.clients import door_name, office_client
from deployments.contracts.errors import ServiceStopped, Unavailable
from deployments.contracts.events import AnswerMatch
from deployments.contracts.match_report import StageReport
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import EngineStatus
from deployments.contracts.streams import NewestValue
from deployments.conversation.faq_answers import MAX_CANDIDATES, MeaningAnswers, RankedAnswers, SimilarAnswers
from deployments.conversation.snapshot_feed import SnapshotFeed
from deployments.hosting import host

log = logging.getLogger(__name__)

_FIRST_SNAPSHOT_S = 5.0
_START_COMMAND = f"POST /admin/services/{names.FAQ}/start"

T = TypeVar("T")


class Faq:
    """Keeps the ranking of the current snapshot in memory. Implements ``Unloadable``."""

    def __init__(self) -> None:
        self._answers = SimilarAnswers(RankedAnswers(_now), MeaningAnswers(_now, UniversalSentenceEncoder()))
        self._encoding: asyncio.Task[None] | None = None
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
        await self.stop()
        self._answers.clear()

    def ongoing(self) -> int:
        return self._ongoing

    async def statuses(self) -> tuple[EngineStatus, ...]:
        ready = self._answers.ranked.ranking is not None
        error, remedy = ("stopped by an administrator", _START_COMMAND) if self._stopped else ("", "")
        loading = not ready and not self._stopped
        return (EngineStatus(names.FAQ, "answers", "ranking", ready, error=error, remedy=remedy, loading=loading),)

    async def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        return await self._query(lambda: self._answers.lookup(text, locale))

    async def explain(self, text: str, locale: str | None) -> tuple[StageReport, ...]:
        return await self._query(lambda: self._answers.explain(text, locale, MAX_CANDIDATES))

    async def stop(self) -> None:
        await self._feed.stop()
        if self._encoding is not None:
            self._encoding.cancel()
            await asyncio.gather(self._encoding, return_exceptions=True)

    def _start_feed(self) -> None:
        self._feed = SnapshotFeed(office_client(), door_name(), self._prepare)
        self._newest = NewestValue[Snapshot]()
        self._feed.start()
        self._encoding = asyncio.create_task(self._encode_snapshots())

    def _prepare(self, snapshot: Snapshot) -> None:
        self._answers.ranked.prepare(snapshot)
        if self._stopped:
            self._answers.clear()
        else:
            self._newest.put(snapshot)

    async def _encode_snapshots(self) -> None:
        """Follows the snapshots beside the ranking: the vectors of a large FAQ take seconds and hold up nothing."""
        while True:
            snapshot = await self._newest.get()
            try:
                await asyncio.to_thread(self._answers.meaning.prepare, snapshot)
            except Exception:
                log.exception("matching by meaning is not available for revision %d", snapshot.revision)

    async def _query(self, query: Callable[[], T]) -> T:
        self._ongoing += 1
        try:
            await self._require_ranking()
            return await asyncio.to_thread(query)
        finally:
            self._ongoing -= 1

    async def _require_ranking(self) -> None:
        if self._stopped:
            raise ServiceStopped("ranked answers were stopped by an administrator", remedy=_START_COMMAND)
        await self._feed.wait(_FIRST_SNAPSHOT_S)
        if self._answers.ranked.ranking is None:
            raise Unavailable("the FAQ ranking is not loaded yet", retry_after_s=2)


def _now() -> datetime:
    return datetime.now(UTC)


def build_faq(args: FaqArgs) -> serve.Application:
    return host(Faq, args, names.FAQ)
