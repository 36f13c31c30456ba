"""Home shows whether the secretary works, what happened today and what needs an answer, and stops when it is left."""

import asyncio
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.async_api import Locator, Page, expect

from deployments.administration.usage.activity import DayActivity, HourActivity
from deployments.contracts.identity import Role
from tests.ui.conftest import BrowserUser
from tests.ui.fakes import HEALTHY_ENGINES, ONE_ENGINE_MISSING
from tests.ui.panel_server import REFRESH_INTERVAL_S, PanelServer
from tests.ui.traffic import report_conversation
from ui.tabs.home.hours_card import heat_map
from ui.translations import Translator

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def question(page: Page, text: str) -> Locator:
    return page.locator(".home-question").filter(has_text=text)


async def test_home_refreshes_health(admin: BrowserUser) -> None:
    await admin.open_logged_in()
    await expect(admin.page.locator("[data-health=ok]")).to_contain_text("Секретарь отвечает")
    admin.server.assistant.engines = ONE_ENGINE_MISSING
    await expect(admin.page.locator("[data-health=degraded]")).to_be_visible()
    note = admin.page.locator(".home-note").filter(has_text="recognition")
    await expect(note.get_by_role("link", name="Открыть «Службы»")).to_be_visible()
    admin.server.assistant.engines = ()
    await expect(admin.page.locator("[data-health=down]")).to_be_visible()
    admin.server.assistant.engines = HEALTHY_ENGINES
    await expect(admin.page.locator("[data-health=ok]")).to_be_visible()


async def test_home_counts_today(admin: BrowserUser) -> None:
    turns = ({"route": "faq:1"}, {"route": "local"}, {"route": "fallback"})
    await report_conversation(admin.server, "201", "Ася", *turns)
    await admin.open_logged_in()
    page = admin.page
    activity = admin.server.office.activity
    today = await activity.day(activity.today)
    figure = page.locator(".home-figure").filter(has_text="Разговоров")
    await expect(figure.locator(".home-value")).to_have_text(str(today.conversations))
    await expect(page.locator(".home-channel").filter(has_text="Telegram")).to_be_visible()
    await expect(page.locator(".home-hours i[style]").first).to_be_visible()
    await figure.get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Все разговоры")


async def test_open_question_becomes_an_answer(admin: BrowserUser) -> None:
    for person in ("202", "203"):
        await report_conversation(admin.server, person, "", {"question": "Есть ли у вас фонтан?", "route": "fallback"})
    await admin.open_logged_in()
    page = admin.page
    await expect(question(page, "фонтан")).to_contain_text("2 раза")
    await question(page, "фонтан").get_by_role("button", name="Написать ответ").click()
    await page.get_by_label("Ответ", exact=True).fill("Да, летом.")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(question(page, "фонтан")).to_have_count(0)
    assert (await admin.server.office.faq.list("фонтан")).entries[0].answer == "Да, летом."


async def test_open_question_is_dismissed_by_operator(admin: BrowserUser, panel_server: PanelServer) -> None:
    failed = {"question": "Кто выиграл матч?", "answer": "", "finished": False, "error": "engine_timeout"}
    await report_conversation(panel_server, "204", "", failed)
    await admin.open_logged_in("", await panel_server.add_user("ofelia", Role.OPERATOR))
    await question(admin.page, "матч").get_by_role("button", name="Не нужен").click()
    await expect(question(admin.page, "матч")).to_have_count(0)
    assert "Кто выиграл матч?" not in [each.question for each in await panel_server.office.open_questions.list()]


async def test_viewer_sees_no_figures(admin: BrowserUser, panel_server: PanelServer) -> None:
    await admin.open_logged_in("", await panel_server.add_user("veronika", Role.VIEWER))
    await expect(admin.page.locator("[data-health=ok]")).to_be_visible()
    await expect(admin.page.locator(".home-figure")).to_have_count(0)
    await expect(admin.page.get_by_role("note")).to_contain_text("операторы и администраторы")


async def test_home_stops_refreshing_when_left(admin: BrowserUser, monkeypatch: pytest.MonkeyPatch) -> None:
    activity = admin.server.office.activity
    read, days = activity.day, []

    async def counted(day: date) -> DayActivity:
        days.append(day)
        return await read(day)

    monkeypatch.setattr(activity, "day", counted)
    await admin.open_logged_in()
    await expect(admin.page.locator(".headline .health-text")).to_be_visible()
    await admin.page.get_by_role("link", name="Готовые ответы", exact=True).click()
    await expect(admin.page.get_by_role("heading", level=1)).to_have_text("Готовые ответы")
    before = len(days)
    await asyncio.sleep(3 * REFRESH_INTERVAL_S)
    assert len(days) == before > 0


async def test_hours_are_those_of_the_time_zone(panel_server: PanelServer) -> None:
    zone = panel_server.office.publisher.current.settings.time_zone
    assert zone == "Europe/Moscow"
    night = datetime.now(UTC).replace(hour=22, minute=30) - timedelta(days=2)
    await report_conversation(panel_server, "205", "", {"question": "Ночью?", "created_at": night})
    local = night + timedelta(hours=3)
    hours = await panel_server.office.activity.hours(28)
    assert (local.weekday(), 1) in [(each.weekday, each.hour) for each in hours]


async def test_heat_map_has_a_cell_for_each_hour() -> None:
    drawn = heat_map((HourActivity(0, 9, 4), HourActivity(6, 23, 1)), Translator("ru"))
    assert drawn.count("<i") == 1 + 7 * 24
    assert re.findall(r'--share: ([\d.]+)" title="([^"]+)"', drawn) == [
        ("1.00", "9:00 · 4 вопр."),
        ("0.25", "23:00 · 1 вопр."),
    ]
