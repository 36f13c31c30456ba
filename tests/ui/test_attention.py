"""What needs attention: the notes, and their badges in the navigation."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.async_api import expect

from deployments.administration.backup.backups import StoredBackup
from deployments.contracts.errors import Unavailable
from deployments.contracts.exchange import Exchange
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.instances import BotSpec
from deployments.contracts.reports import DoorReport
from deployments.contracts.snapshot import Snapshot
from deployments.conversation.language_gaps import LanguageGap
from tests.ui.conftest import BrowserUser
from tests.ui.fakes import HEALTHY_ENGINES, ONE_ENGINE_MISSING
from ui.attention import AttentionCache, AttentionNote
from ui.panel_overview import PanelOverview

NOW = datetime.now(UTC)
ANSWERS = (FaqEntry(id=1, question="Привет", answer="Здравствуйте", language="ru"),)
BOT = BotSpec(id="front", name="Ресепшен", sealed_token="sealed")


class Backups:
    failed_at: datetime | None = None

    def __init__(self, *ages: timedelta) -> None:
        self._stored = tuple(StoredBackup("secretary.tar.gz", 1, NOW - age) for age in ages)

    async def list(self) -> tuple[StoredBackup, ...]:
        return self._stored


async def notes_of(
    overview: PanelOverview | None = None,
    *,
    snapshot: Snapshot | None = None,
    bots: Sequence[Any] | None = (),
    backups: Any = None,
    unanswered: int = 0,
) -> tuple[AttentionNote, ...]:
    async def reports() -> Sequence[Any]:
        if bots is None:
            raise Unavailable("the supervisor is silent")
        return bots

    async def get() -> PanelOverview:
        return overview or PanelOverview(HEALTHY_ENGINES, (), (), 1, NOW)

    async def questions() -> list[str]:
        return ["Есть ли парковка?"] * unanswered

    database = SimpleNamespace(path="office.db")
    services: Any = SimpleNamespace(
        office=SimpleNamespace(database=database, open_questions=SimpleNamespace(list=questions)),
        operations=SimpleNamespace(backups=backups or Backups(timedelta(hours=1))),
        publisher=SimpleNamespace(current=snapshot or Snapshot(faq=ANSWERS)),
        bots=reports,
    )
    cached: Any = SimpleNamespace(get=get)
    return await AttentionCache(services, cached).get()


async def test_healthy_system_needs_no_attention() -> None:
    assert await notes_of() == ()


async def test_broken_engine_is_noted_and_loading_one_is_not() -> None:
    overview = PanelOverview(ONE_ENGINE_MISSING, (), (), 1, NOW)
    assert await notes_of(overview) == (AttentionNote("/services", "attention.engines", 1, ("recognition",), "bad"),)
    loading = tuple(replace(engine, loading=not engine.ready) for engine in ONE_ENGINE_MISSING)
    assert await notes_of(replace(overview, engines=loading)) == ()
    assert await notes_of(replace(overview, asleep=frozenset({"recognition"}))) == ()
    assert [note.reason for note in await notes_of(replace(overview, engines=None))] == ["attention.engines_silent"]


async def test_language_without_model_or_answers_is_noted() -> None:
    overview = PanelOverview(HEALTHY_ENGINES, (), (), 1, NOW, (LanguageGap("ru"),))
    snapshot = Snapshot(faq=ANSWERS, bots=(BotSpec(id="en", name="Acme Ltd", language="en"),))
    found = [(note.path, note.reason, note.names) for note in await notes_of(overview, snapshot=snapshot)]
    assert found == [("/llm", "attention.no_model", ("ru",)), ("/faq", "attention.no_answers", ("en",))]


async def test_bot_that_does_not_run_is_noted() -> None:
    snapshot = Snapshot(faq=ANSWERS, bots=(BOT, BOT.model_copy(update={"id": "off", "enabled": False})))
    stopped = await notes_of(snapshot=snapshot, bots=(SimpleNamespace(id="front", state="rejected"),))
    assert stopped == (AttentionNote("/telegram", "attention.bots", 1, ("Ресепшен",), "bad"),)
    assert await notes_of(snapshot=snapshot, bots=(SimpleNamespace(id="front", state="running"),)) == ()
    assert await notes_of(snapshot=snapshot, bots=None) == (), "a silent supervisor is not the fault of a bot"


async def test_missing_old_and_failed_backups_are_noted() -> None:
    failed = Backups(timedelta(hours=1))
    failed.failed_at = NOW
    reasons = [
        [note.reason for note in await notes_of(backups=backups)]
        for backups in (Backups(), Backups(timedelta(days=8)), Backups(timedelta(days=6)), failed)
    ]
    assert reasons == [["attention.backup_none"], ["attention.backup_old"], [], ["attention.backup_failed"]]


async def test_unanswered_questions_are_noted_at_home() -> None:
    assert await notes_of(unanswered=3) == (AttentionNote("/", "attention.unanswered", 3),)


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="session")
async def test_unanswered_question_is_shown_as_badge(admin: BrowserUser) -> None:
    exchange = Exchange(
        turn_id="unanswered",
        source_kind="telegram",
        question="Есть ли у вас парковка?",
        answer="Я передам ваш вопрос.",
        route="fallback",
        created_at=NOW,
    )
    await close_all_questions(admin)
    await admin.open_logged_in("faq")
    await admin.server.reports.accept(DoorReport(door="bot", sequence=1, revision=1, exchanges=(exchange,)))
    link = admin.page.locator(".shell-nav").get_by_role("link", name="Главная")
    await expect(link.locator(".nav-badge")).to_have_text("1")
    await expect(link).to_have_attribute("aria-description", "1 вопрос остался без ответа")


async def close_all_questions(user: BrowserUser) -> None:
    """Closes the questions of other tests."""
    service = user.server.office.open_questions
    while found := await service.list():
        await service.close([turn for question in found for turn in question.turn_ids], "test")
