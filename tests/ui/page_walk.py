"""Walks the pages of the panel in one browser page, without loading it again."""

from typing import NamedTuple

from playwright.async_api import Page, expect

from tests.ui.conftest import DESKTOP, PHONE, BrowserUser, OpenBrowser
from tests.ui.panel_server import PanelServer

STILL = """document.getAnimations().every((each) =>
  each.playState !== "running" || each.effect.getTiming().iterations === Infinity)"""


class Look(NamedTuple):
    """How the panel is shown."""

    theme: str
    language: str
    size: tuple[int, int] = DESKTOP

    def __str__(self) -> str:
        return f"{'phone' if self.size == PHONE else 'desktop'}-{self.theme}-{self.language}"


async def open_in_look(open_browser: OpenBrowser, look: Look) -> BrowserUser:
    """A browser with the cookies of ``look``."""
    user: BrowserUser = await open_browser(look.size, locale=look.language, bypass_csp=True)
    chosen = {"secretary_theme": look.theme, "secretary_language": look.language}
    await user.page.context.add_cookies(
        [{"name": name, "value": value, "url": user.server.url} for name, value in chosen.items()]
    )
    return user


async def go_to(page: Page, server: PanelServer, path: str) -> None:
    """Opens a page and waits until its content has come and stands still."""
    await page.evaluate("(path) => emitEvent('sub_pages_navigate', path)", path)
    await expect(page).to_have_url(server.url + path.removeprefix("/"))
    await expect(page.locator(".shell-main h1").first).to_be_attached()
    await wait_until_still(page)
    await expect(page.locator(".q-dialog")).to_have_count(0)


async def wait_until_still(page: Page) -> None:
    await expect(page.locator(".shell-main .skeleton:visible")).to_have_count(0)
    await page.wait_for_function(STILL)
