"""What needs attention: for each page the reason and a count, shown in the navigation and on the home page.

The notes are made of the cached overview and of the services. All open pages share one cache.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from deployments.contracts.errors import SecretaryError
from deployments.contracts.snapshot import Snapshot
from deployments.conversation.language_gaps import used_languages
from ui.panel_overview import OverviewCache
from ui.panel_services import PanelServices

BACKUP_AGE = timedelta(days=7)
_BOT_AT_WORK = ("running", "starting")

Urgency = Literal["bad", "warn"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AttentionNote:
    """``count`` things at the page ``path`` need attention. The text is ``t.count(reason, count)``; ``names`` are those
    of the things. ``bad``: something does not work; ``warn``: something is missing."""

    path: str
    reason: str
    count: int
    names: tuple[str, ...] = ()
    urgency: Urgency = "warn"


class AttentionCache:
    """Gathers the notes at most once in ``max_age_s`` seconds, for all pages together. What does not answer within
    ``timeout_s`` seconds has no notes."""

    def __init__(
        self,
        services: PanelServices,
        overview: OverviewCache,
        *,
        max_age_s: float = 10.0,
        timeout_s: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._services = services
        self._overview = overview
        self._max_age_s = max_age_s
        self._timeout_s = timeout_s
        self._clock = clock
        self._lock = asyncio.Lock()
        self._newest: tuple[AttentionNote, ...] = ()
        self._taken_at = float("-inf")

    async def get(self) -> tuple[AttentionNote, ...]:
        """The notes about all pages, at most ``max_age_s`` old. Use ``ui.navigation.attention_of`` for those of a
        user."""
        async with self._lock:
            if self._clock() - self._taken_at > self._max_age_s:
                self._newest = await self._gather()
                self._taken_at = self._clock()
            return self._newest

    async def _gather(self) -> tuple[AttentionNote, ...]:
        sources = (self._questions, self._engines, self._languages, self._bots, self._backups)
        found = await asyncio.gather(*(self._notes_of(source) for source in sources))
        return tuple(note for notes in found for note in notes)

    async def _notes_of(self, source: Callable[[], Awaitable[list[AttentionNote]]]) -> list[AttentionNote]:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await source()
        except (SecretaryError, OSError) as error:  # TimeoutError is an OSError
            log.warning("attention: %s is not known: %s", source.__name__.strip("_"), type(error).__name__)
            return []

    async def _questions(self) -> list[AttentionNote]:
        count = len(await self._services.office.open_questions.list())
        return [AttentionNote("/", "attention.unanswered", count)] if count else []

    async def _engines(self) -> list[AttentionNote]:
        overview = await self._overview.get()
        if overview.engines is None:
            return [AttentionNote("/services", "attention.engines_silent", 1, urgency="bad")]
        broken = tuple(engine.name for engine in overview.engines if not overview.works(engine) and not engine.loading)
        return [AttentionNote("/services", "attention.engines", len(broken), broken, "bad")] if broken else []

    async def _languages(self) -> list[AttentionNote]:
        overview = await self._overview.get()
        notes = []
        if gaps := tuple(gap.language for gap in overview.language_gaps):
            notes.append(AttentionNote("/llm", "attention.no_model", len(gaps), gaps))
        if lacking := languages_without_answers(self._services.publisher.current):
            notes.append(AttentionNote("/faq", "attention.no_answers", len(lacking), lacking))
        return notes

    async def _bots(self) -> list[AttentionNote]:
        wanted = {bot.id: bot.name for bot in self._services.publisher.current.bots if bot.enabled and bot.sealed_token}
        if not wanted:
            return []
        at_work = {report.id for report in await self._services.bots() if report.state in _BOT_AT_WORK}
        silent = tuple(name for bot, name in wanted.items() if bot not in at_work)
        return [AttentionNote("/telegram", "attention.bots", len(silent), silent, "bad")] if silent else []

    async def _backups(self) -> list[AttentionNote]:
        backups = self._services.operations.backups
        if self._services.office.database.path is None:
            return []  # a database on a server is backed up there
        if backups.failed_at is not None:
            return [AttentionNote("/backup", "attention.backup_failed", 1, urgency="bad")]
        stored = await backups.list()
        if stored and datetime.now(UTC) - stored[0].created_at < BACKUP_AGE:
            return []
        return [AttentionNote("/backup", "attention.backup_old" if stored else "attention.backup_none", 1)]


def languages_without_answers(snapshot: Snapshot) -> tuple[str, ...]:
    """The languages of the default settings and of enabled bots and widgets that have no prepared answer."""
    answered = {entry.language for entry in snapshot.faq}
    used = used_languages(snapshot.model_copy(update={"personas": (), "faq": ()}))
    return tuple(language for language in used if language not in answered)
