"""The palette finds pages, settings and actions, by the keyboard alone and by role."""

import pytest
from playwright.async_api import expect

from deployments.contracts.identity import Role
from tests.ui.conftest import BrowserUser

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_page_is_found_by_keyboard_in_either_language(admin: BrowserUser) -> None:
    await admin.open_logged_in()
    for text in ("готовые", "prepared"):
        await admin.page.keyboard.press("Control+k")
        await expect(admin.page.get_by_role("textbox", name="Поиск по панели")).to_be_focused()
        await admin.page.keyboard.type(text)
        await expect(admin.page.locator(".palette-entry").first).to_contain_text("Готовые ответы")
        await admin.page.keyboard.press("ArrowDown")
        await expect(admin.page.locator(".palette-entry").first).to_be_focused()
        await admin.page.keyboard.press("Enter")
        await expect(admin.page).to_have_url(admin.server.url + "faq")
        await expect(admin.page.locator(".palette")).to_have_count(0)
        await admin.page.get_by_role("link", name="Главная", exact=True).click()


async def test_actions_change_theme_and_open_editor(admin: BrowserUser) -> None:
    await admin.open_logged_in()
    await _take(admin, "тёмная")
    await expect(admin.page.locator("body")).to_contain_class("body--dark")
    await _take(admin, "новый готовый")
    await expect(admin.page).to_have_url(admin.server.url + "faq?edit=new")
    await expect(admin.page.get_by_role("dialog").locator("textarea").first).to_be_visible()


async def test_palette_logs_out(admin: BrowserUser) -> None:
    await admin.open_logged_in()
    await _take(admin, "log out")
    await expect(admin.page.get_by_text("Вы вышли из панели.")).to_be_visible()


async def test_viewer_finds_no_page_or_action_of_others(open_browser) -> None:
    user: BrowserUser = await open_browser()
    await user.open_logged_in("", await user.server.add_user("zoya", Role.VIEWER))
    await user.page.get_by_role("button", name="Поиск по панели").click()
    for text in ("новый", "telegram"):
        await user.page.get_by_role("textbox", name="Поиск по панели").fill(text)
        await expect(user.page.get_by_text("Ничего с таким названием нет")).to_be_visible()
    await user.page.keyboard.press("Escape")
    await expect(user.page.locator(".palette")).to_have_count(0)


async def _take(user: BrowserUser, text: str) -> None:
    """Takes the first entry that is found."""
    await user.page.keyboard.press("Control+k")
    await user.page.get_by_role("textbox", name="Поиск по панели").fill(text)
    await expect(user.page.locator(".palette-entry")).to_have_count(1)
    await user.page.keyboard.press("Enter")
    await expect(user.page.locator(".palette")).to_have_count(0)
