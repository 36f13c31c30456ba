"""The page of website widgets: the preview follows the form, what is saved is stored, and the page is honest."""

import pytest
from playwright.async_api import expect

from deployments.administration.widgets.service import WidgetDraft
from deployments.contracts.identity import Role
from tests.ui.conftest import BrowserUser
from tests.ui.fakes import XSS
from tests.ui.panel_server import PanelServer
from ui.contrast import READABLE, WHITE, contrast_ratio

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_widget_is_made_with_live_preview(admin: BrowserUser) -> None:
    page = admin.page
    for left in await admin.server.office.widgets.list():
        await admin.server.office.widgets.delete(left.id, "test")
    await admin.open_logged_in("widget")
    await expect(page.get_by_text("Виджет пока не показывается на сайтах")).to_be_visible()
    await page.get_by_role("button", name="Добавить виджет").click()
    await page.get_by_role("dialog").get_by_label("Название").fill("Магазин")
    await page.get_by_role("dialog").get_by_role("button", name="Добавить").click()
    await expect(page.get_by_role("heading", level=1, name="Магазин")).to_be_visible()
    await page.get_by_label("Приветствие").fill(XSS)
    await expect(page.locator(".widget-bubble").first).to_have_text(XSS)
    await page.get_by_text("Слева", exact=True).click()
    await expect(page.locator(".widget-preview")).to_have_class("widget-preview widget-left")
    await page.get_by_label("Цвет", exact=True).fill("#ffcc00")
    await expect(page.get_by_text("плохо видны")).to_be_visible()
    await page.get_by_role("button", name="Сделать темнее").click()
    await expect(page.get_by_text("хорошо читаются")).to_be_visible()
    domains = page.get_by_label("Сайты", exact=True)
    await domains.fill("https://shop.example.org/")
    await domains.press("Enter")
    await expect(page.get_by_text("не имя сайта")).to_be_visible()
    await domains.press("Backspace")
    await domains.fill("Shop.example.org")
    await domains.press("Enter")
    await page.get_by_role("button", name="Сохранить", exact=True).click()
    await expect(page.get_by_text("Сохранено", exact=True)).to_be_visible()
    (spec,) = await admin.server.office.widgets.list()
    assert (spec.greeting, spec.position, spec.allowed_domains) == (XSS, "left", ("shop.example.org",))
    assert contrast_ratio(spec.primary_color, WHITE) >= READABLE
    await expect(page.locator(".code-block")).to_contain_text(f"{admin.server.origin}/widget.js?instance=")
    await page.get_by_role("button", name="Удалить виджет").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Удалить виджет").click()
    await expect(page.get_by_text("Виджетов пока нет")).to_be_visible()


async def test_viewer_reads_widget_only(admin: BrowserUser, panel_server: PanelServer) -> None:
    spec = await panel_server.office.widgets.create(WidgetDraft(name="Витрина", title="Привет"), "test")
    try:
        await admin.open_logged_in("widget", await panel_server.add_user("widget-vera", Role.VIEWER))
        await expect(admin.page.get_by_role("button", name="Добавить виджет")).to_have_count(0)
        await admin.page.get_by_role("link", name="Витрина").click()
        await expect(admin.page.get_by_label("Заголовок окна")).to_have_value("Привет")
        await expect(admin.page.get_by_label("Заголовок окна")).not_to_be_editable()
        await expect(admin.page.get_by_role("button", name="Сохранить")).to_have_count(0)
    finally:
        await panel_server.office.widgets.delete(spec.id, "test")
