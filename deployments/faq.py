"""Ranked answers: questions that are similar, not equal. Exact hits never get here."""

import asyncio
from datetime import UTC, datetime

from ray import serve

from deployments import names
from deployments.answers.ranking import Ranking
from deployments.arguments import FaqArgs
from deployments.contracts.errors import Unavailable
from deployments.contracts.events import AnswerMatch
from deployments.contracts.settings import FaqEntry, FaqSettings, Snapshot
from deployments.conversation.snapshots import SnapshotFeed
from deployments.hosting import host
from deployments.reception import door_name, office_client

_FIRST_SNAPSHOT_S = 5.0
_CANDIDATES = 5


class Faq:
    """Follows the snapshots and keeps one ranking of them in memory."""

    def __init__(self) -> None:
        self._ranking: Ranking | None = None
        self._made_of: tuple[tuple[FaqEntry, ...], FaqSettings, str] | None = None

    async def start(self) -> None:
        self._feed = SnapshotFeed(office_client(), door_name(), self._prepare)
        self._feed.start()

    async def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        ranking = await self._ready()
        return await asyncio.to_thread(ranking.match, text, locale)

    async def candidates(self, text: str, locale: str | None) -> tuple[AnswerMatch, ...]:
        ranking = await self._ready()
        near = await asyncio.to_thread(ranking.candidates, text, locale, _CANDIDATES)
        return tuple(candidate.match for candidate in near)

    async def stop(self) -> None:
        await self._feed.stop()

    def _prepare(self, snapshot: Snapshot) -> None:
        settings = snapshot.settings
        made_of = (snapshot.faq, settings.faq, settings.time_zone)
        if made_of != self._made_of:
            self._ranking = Ranking(*made_of, lambda: datetime.now(UTC))
            self._made_of = made_of

    async def _ready(self) -> Ranking:
        await self._feed.wait(_FIRST_SNAPSHOT_S)
        if self._ranking is None:
            raise Unavailable("the answer book is not there yet", retry_after_s=2)
        return self._ranking


def build_faq(args: FaqArgs) -> serve.Application:
    return host(Faq, args, names.FAQ)
