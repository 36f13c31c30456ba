"""The dashboard tells the truth, keeps it fresh, and costs nothing when nobody looks."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.ui.conftest import BrowserUser
from tests.ui.fakes import ONE_ENGINE_MISSING

UNTIL_THE_NEXT_LOOK_MS = 9_000
"""A page that came while the last overview was fresh shows that one first, and the next one after five seconds."""

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_healthy_system_in_one_glance(admin: BrowserUser) -> None:
    await admin.stage.report_hour_of_traffic()
    await admin.open_logged_in()
    page = admin.page
    await expect(page.locator("[data-health=ok]")).to_contain_text("Всё работает")
    revision = admin.stage.office.publisher.current.revision
    doors = admin.stage.reports.doors()
    newest = sum(door.revision >= revision for door in doors)
    replicas = f"Реплики: {newest} из {len(doors)} на ревизии {revision}"
    await expect(page.locator(".headline")).to_contain_text(replicas)
    await expect(page.locator(".fact").filter(has_text="Живые потоки")).to_contain_text("3")
    await expect(page.locator(".engine")).to_have_count(3)
    await expect(page.locator(".door")).to_have_count(len(doors))


async def test_missing_model_degrades_and_names_its_remedy(admin: BrowserUser) -> None:
    admin.stage.assistant.engines = ONE_ENGINE_MISSING
    await asyncio.sleep(2.1)
    await admin.open_logged_in()
    await expect(admin.page.locator("[data-health=degraded]")).to_contain_text("Работает с ограничениями")
    engine = admin.page.locator(".engine").filter(has_text="recognition")
    await expect(engine).to_contain_text("weights are not on disk")
    await expect(engine.locator("code")).to_have_text("secretary models pull whisper-base")


async def test_engines_that_do_not_answer_mean_down(admin: BrowserUser) -> None:
    admin.stage.assistant.engines = ()
    await asyncio.sleep(2.1)
    await admin.open_logged_in()
    await expect(admin.page.locator("[data-health=down]")).to_be_visible()


async def test_news_arrive_by_themselves(admin: BrowserUser) -> None:
    await admin.open_logged_in()
    await expect(admin.page.locator("[data-health=ok]")).to_be_visible(timeout=UNTIL_THE_NEXT_LOOK_MS)
    admin.stage.assistant.engines = ONE_ENGINE_MISSING
    await expect(admin.page.locator("[data-health=degraded]")).to_be_visible(timeout=UNTIL_THE_NEXT_LOOK_MS)


async def test_plot_shows_the_chosen_stage(admin: BrowserUser) -> None:
    await admin.stage.report_hour_of_traffic()
    await admin.open_logged_in()
    page = admin.page
    tile = page.get_by_role("button", name="Первый звук")
    await expect(tile).to_contain_text("390 мс")
    await expect(page.locator(".chart svg path").first).to_be_attached()
    await tile.click()
    await expect(page.get_by_role("button", name="Первый звук")).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_role("img", name="Первый звук")).to_be_visible()


async def test_nobody_is_asked_after_the_page_was_left(admin: BrowserUser) -> None:
    await admin.open_logged_in()
    await expect(admin.page.locator(".engine").first).to_be_visible()
    await admin.page.get_by_role("link", name="Чат", exact=True).click()
    await expect(admin.page.locator(".composer")).to_be_visible()
    before = admin.stage.assistant.status_calls
    await asyncio.sleep(6)
    assert admin.stage.assistant.status_calls == before
