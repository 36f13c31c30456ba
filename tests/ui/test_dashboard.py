"""The dashboard shows the state of the system, refreshes it and stops when the user leaves."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.ui.conftest import BrowserUser
from tests.ui.fakes import HEALTHY_ENGINES, ONE_ENGINE_MISSING
from tests.ui.panel_server import REFRESH_INTERVAL_S

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_dashboard_shows_healthy_system(admin: BrowserUser) -> None:
    await admin.server.report_hour_of_traffic()
    await admin.open_logged_in()
    page = admin.page
    await expect(page.locator("[data-health=ok]")).to_contain_text("Всё работает")
    revision = admin.server.office.publisher.current.revision
    doors = admin.server.reports.doors()
    replicas = re.compile(rf"Реплики: [1-{len(doors)}] из [1-{len(doors)}] на ревизии {revision}")
    await expect(page.locator(".headline")).to_contain_text(replicas)
    await expect(page.locator(".fact").filter(has_text="Живые потоки")).to_contain_text("3")
    await expect(page.locator(".engine")).to_have_count(3)
    await expect(page.locator(".door")).to_have_count(len(doors))


async def test_dashboard_shows_missing_model_with_remedy(admin: BrowserUser) -> None:
    admin.server.assistant.engines = ONE_ENGINE_MISSING
    await admin.open_logged_in()
    await expect(admin.page.locator("[data-health=degraded]")).to_contain_text("Работает с ограничениями")
    engine = admin.page.locator(".engine").filter(has_text="recognition")
    await expect(engine).to_contain_text("weights are not on disk")
    await expect(engine.locator("code")).to_have_text("secretary models pull whisper-base")


async def test_dashboard_refreshes_itself(admin: BrowserUser) -> None:
    await admin.open_logged_in()
    await expect(admin.page.locator("[data-health=ok]")).to_be_visible()
    admin.server.assistant.engines = ONE_ENGINE_MISSING
    await expect(admin.page.locator("[data-health=degraded]")).to_be_visible()
    admin.server.assistant.engines = ()
    await expect(admin.page.locator("[data-health=down]")).to_be_visible()
    admin.server.assistant.engines = HEALTHY_ENGINES
    await expect(admin.page.locator("[data-health=ok]")).to_be_visible()


async def test_latency_chart_shows_selected_stage(admin: BrowserUser) -> None:
    await admin.server.report_hour_of_traffic()
    await admin.open_logged_in()
    page = admin.page
    tile = page.get_by_role("button", name="Первый звук")
    await expect(tile).to_contain_text("390 мс")
    await expect(page.locator(".chart svg path").first).to_be_attached()
    await tile.click()
    await expect(page.get_by_role("button", name="Первый звук")).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_role("img", name="Первый звук")).to_be_visible()


async def test_dashboard_stops_refreshing_when_left(admin: BrowserUser) -> None:
    await admin.open_logged_in()
    await expect(admin.page.locator(".engine").first).to_be_visible()
    await admin.page.get_by_role("link", name="Готовые ответы", exact=True).click()
    await expect(admin.page.get_by_role("heading", level=1)).to_have_text("Готовые ответы")
    before = admin.server.assistant.status_calls
    await asyncio.sleep(3 * REFRESH_INTERVAL_S)
    assert admin.server.assistant.status_calls == before
