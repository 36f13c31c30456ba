"""The frame: navigation, language, theme, small screens, and life below a prefix."""

import httpx
import pytest
from playwright.async_api import expect

from tests.ui.conftest import PHONE, BrowserUser
from tests.ui.panel_server import PanelServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_tabs_open_without_loading_the_page_again(admin: BrowserUser) -> None:
    await admin.open_logged_in()
    await admin.page.evaluate("window.same = true")
    for name, path in (("Чат", "chat"), ("Ответы", "faq"), ("Обзор", "")):
        await admin.page.get_by_role("link", name=name, exact=True).click()
        await expect(admin.page).to_have_url(admin.stage.url + path)
        await expect(admin.page.locator("nav [aria-current=page] span")).to_have_text(name)
    assert await admin.page.evaluate("window.same")


async def test_back_button_returns_to_the_tab_before(admin: BrowserUser) -> None:
    await admin.open_logged_in()
    await admin.page.get_by_role("link", name="Ответы", exact=True).click()
    await expect(admin.page.get_by_role("heading", name="Готовые ответы")).to_be_visible()
    await admin.page.go_back()
    await expect(admin.page.locator(".headline .health-text")).to_be_visible()


async def test_language_switches_and_stays(admin: BrowserUser) -> None:
    await admin.open_logged_in("faq")
    await admin.page.get_by_role("button", name="EN", exact=True).first.click()
    await expect(admin.page.get_by_role("heading", name="Prepared answers")).to_be_visible()
    assert await admin.page.evaluate("document.documentElement.lang") == "en-US"
    await admin.open("chat")
    await expect(admin.page.get_by_role("link", name="Answers")).to_be_visible()


async def test_login_page_speaks_the_chosen_language(admin: BrowserUser) -> None:
    await admin.open()
    await admin.page.get_by_role("link", name="EN").click()
    await expect(admin.page.get_by_role("heading", name="Log in")).to_be_visible()
    await admin.open_logged_in()
    await expect(admin.page.get_by_role("link", name="Overview")).to_be_visible()


async def test_theme_switches_at_once_and_stays(admin: BrowserUser) -> None:
    await admin.open_logged_in()
    body = admin.page.locator("body")
    await expect(body).not_to_have_class("body--dark")
    await _choose_theme(admin, "dark")
    await expect(body).to_contain_class("body--dark")
    await admin.page.reload()
    await expect(body).to_contain_class("body--dark")
    await _choose_theme(admin, "light")
    await expect(body).to_contain_class("body--light")


async def test_auto_theme_follows_the_system(visit) -> None:
    visitor: BrowserUser = await visit(color_scheme="dark")
    await visitor.open_logged_in()
    await expect(visitor.page.locator("body")).to_contain_class("body--dark")


async def test_everything_fits_a_phone(visit) -> None:
    visitor: BrowserUser = await visit(PHONE)
    await visitor.open_logged_in()
    for path in ("", "chat", "faq"):
        await visitor.open(path)
        await expect(visitor.page.locator(".card, .composer").first).to_be_visible()
        await visitor.page.wait_for_timeout(400)
        assert await visitor.page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
        box = await visitor.page.locator(".shell-nav").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] == PHONE[1]
    assert visitor.page_errors == []


async def test_keyboard_reaches_content_and_navigation(admin: BrowserUser) -> None:
    await admin.open_logged_in()
    await admin.page.keyboard.press("Tab")
    await expect(admin.page.locator(":focus")).to_have_text("К содержанию")
    link = admin.page.get_by_role("link", name="Чат", exact=True)
    await link.focus()
    await admin.page.keyboard.press("Enter")
    await expect(admin.page).to_have_url(admin.stage.url + "chat")


async def test_unknown_address_is_said_in_the_readers_language(visit) -> None:
    visitor: BrowserUser = await visit()
    await visitor.open_logged_in()
    response = await visitor.page.goto(visitor.stage.url + "nowhere")
    assert response is not None
    assert response.status == 404
    await expect(visitor.page.get_by_text("Такой страницы нет")).to_be_visible()


@pytest.mark.parametrize("strip", [False, True], ids=["full path", "stripped path"])
async def test_works_below_a_prefix(admin: BrowserUser, strip: bool) -> None:
    admin.stage.prefix.strip = strip
    await admin.open_logged_in("faq")
    await expect(admin.page.locator(".faq-row").first).to_be_visible()
    sources = await admin.page.evaluate("performance.getEntriesByType('resource').map(r => new URL(r.name).pathname)")
    assert sources
    assert all(source.startswith("/admin/ui/") for source in sources)


@pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin/ui"])
async def test_short_addresses_lead_to_the_panel(stage: PanelServer, path: str) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(stage.origin + path)
        for _ in range(2):
            if answer.headers.get("location", "").endswith("/admin/ui/"):
                break
            answer = await client.get(httpx.URL(stage.origin).join(answer.headers["location"]))
    assert answer.headers["location"].endswith("/admin/ui/")


async def _choose_theme(visitor: BrowserUser, theme: str) -> None:
    await visitor.page.get_by_label("Тема оформления").click()
    await visitor.page.locator(f"[data-theme-choice={theme}]").click()
