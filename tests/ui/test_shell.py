"""The frame of the panel: navigation, language, theme, small screens and route prefixes."""

import httpx
import pytest
from playwright.async_api import expect

from tests.ui.conftest import BrowserUser
from tests.ui.panel_server import PanelServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_CONTRAST = """(element) => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const opaque = (each) => !/, 0\\)$/.test(getComputedStyle(each).backgroundColor);
  let below = element;
  while (!opaque(below)) below = below.parentElement;
  const [dim, bright] = [light(getComputedStyle(element).color), light(getComputedStyle(below).backgroundColor)]
    .sort((a, b) => a - b);
  return (bright + 0.05) / (dim + 0.05);
}"""


async def test_tabs_open_without_page_load(admin: BrowserUser) -> None:
    await admin.open_logged_in()
    await admin.page.evaluate("window.same = true")
    for name, path in (("Чат", "chat"), ("Готовые ответы", "faq"), ("Главная", "")):
        await admin.page.get_by_role("link", name=name, exact=True).click()
        await expect(admin.page).to_have_url(admin.server.url + path)
        await expect(admin.page.locator(".shell-nav [aria-current=page] .nav-text:visible")).to_have_text(name)
    assert await admin.page.evaluate("window.same")


async def test_back_button_returns_to_previous_tab(admin: BrowserUser) -> None:
    await admin.open_logged_in()
    await admin.page.get_by_role("link", name="Готовые ответы", exact=True).click()
    await expect(admin.page.get_by_role("heading", name="Готовые ответы")).to_be_visible()
    await admin.page.go_back()
    await expect(admin.page.locator(".headline .health-text")).to_be_visible()


async def test_language_switch_is_persistent(admin: BrowserUser) -> None:
    await admin.open_logged_in("faq")
    await admin.page.get_by_role("button", name="EN", exact=True).first.click()
    await expect(admin.page.get_by_role("heading", name="Prepared answers")).to_be_visible()
    assert await admin.page.evaluate("document.documentElement.lang") == "en-US"
    await admin.open("chat")
    await expect(admin.page.get_by_role("link", name="Prepared answers")).to_be_visible()


async def test_login_page_language_is_kept_after_login(admin: BrowserUser) -> None:
    await admin.open()
    await admin.page.get_by_role("link", name="EN").click()
    await expect(admin.page.get_by_role("heading", name="Log in")).to_be_visible()
    await admin.open_logged_in()
    await expect(admin.page.get_by_role("link", name="Home", exact=True)).to_be_visible()


async def test_theme_switch_is_persistent(admin: BrowserUser) -> None:
    await admin.open_logged_in()
    body = admin.page.locator("body")
    await expect(body).not_to_have_class("body--dark")
    await _choose_theme(admin, "dark")
    await expect(body).to_contain_class("body--dark")
    await admin.page.reload()
    await expect(body).to_contain_class("body--dark")
    await _choose_theme(admin, "light")
    await expect(body).to_contain_class("body--light")


async def test_auto_theme_follows_system(open_browser) -> None:
    user: BrowserUser = await open_browser(color_scheme="dark")
    await user.open_logged_in()
    await expect(user.page.locator("body")).to_contain_class("body--dark")


async def test_keyboard_navigation(admin: BrowserUser) -> None:
    await admin.open_logged_in()
    await admin.page.keyboard.press("Tab")
    await expect(admin.page.locator(":focus")).to_have_text("К содержанию")
    link = admin.page.get_by_role("link", name="Чат", exact=True)
    await link.focus()
    await admin.page.keyboard.press("Enter")
    await expect(admin.page).to_have_url(admin.server.url + "chat")


async def test_unknown_path_shows_translated_page(open_browser) -> None:
    user: BrowserUser = await open_browser()
    await user.open_logged_in()
    response = await user.page.goto(user.server.url + "nowhere")
    assert response is not None
    assert response.status == 404
    await expect(user.page.get_by_text("Такой страницы нет")).to_be_visible()


async def test_panel_works_with_stripped_prefix(admin: BrowserUser) -> None:
    admin.server.prefix.strip = True
    await admin.open_logged_in("faq")
    await expect(admin.page.locator(".faq-row").first).to_be_visible()
    sources = await admin.page.evaluate("performance.getEntriesByType('resource').map(r => new URL(r.name).pathname)")
    assert sources
    assert all(source.startswith("/admin/ui/") for source in sources)


@pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin/ui"])
async def test_short_paths_redirect_to_panel(panel_server: PanelServer, path: str) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(panel_server.origin + path)
        for _ in range(2):
            if answer.headers.get("location", "").endswith("/admin/ui/"):
                break
            answer = await client.get(httpx.URL(panel_server.origin).join(answer.headers["location"]))
    assert answer.headers["location"].endswith("/admin/ui/")


async def _choose_theme(user: BrowserUser, theme: str) -> None:
    await user.page.get_by_label("Тема оформления").click()
    await user.page.locator(f"[data-theme-choice={theme}]").click()


async def _expect_colours(user: BrowserUser, colours: tuple[str, str]) -> None:
    body = user.page.locator("body")
    await expect(body).to_have_css("color", colours[0])
    await expect(body).to_have_css("background-color", colours[1])


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_high_contrast_follows_system(open_browser, scheme: str) -> None:
    user: BrowserUser = await open_browser(color_scheme=scheme)
    await user.open_logged_in()
    await _choose_theme(user, "contrast")
    black_on_white = ("rgb(0, 0, 0)", "rgb(255, 255, 255)")
    for _ in range(2):  # chosen now, and after a reload
        await _expect_colours(user, black_on_white if scheme == "light" else black_on_white[::-1])
        await user.page.reload()
        await expect(user.page.locator(".shell")).to_be_visible()


async def test_system_setting_gives_high_contrast(open_browser) -> None:
    user: BrowserUser = await open_browser(contrast="more")
    await user.open_logged_in()
    await _expect_colours(user, ("rgb(0, 0, 0)", "rgb(255, 255, 255)"))
    await _choose_theme(user, "dark")
    await _expect_colours(user, ("rgb(255, 255, 255)", "rgb(0, 0, 0)"))


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_toast_and_primary_button_are_readable(open_browser, theme: str) -> None:
    user: BrowserUser = await open_browser(color_scheme=theme)
    await user.open_logged_in("faq")
    toast = "{message: 'Saved', type: 'positive', closeBtn: 'Close', timeout: 0}"
    await user.page.evaluate(f"Quasar.Notify.create({toast})")
    for element in (user.page.locator(".q-notification .q-btn"), user.page.locator(".q-btn.bg-primary").first):
        await expect(element).to_be_visible()
        assert await element.evaluate(_CONTRAST) >= 4.5
