"""Every page of the navigation: no serious violation of accessibility rules (axe-core), nothing cut off, nothing that
overlaps, nothing wider than the screen. One browser page for each theme and language walks all pages."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.ui.conftest import DESKTOP, PHONE, BrowserUser, OpenBrowser
from tests.ui.filled_office import filled_office
from tests.ui.panel_server import PanelServer
from ui.navigation import TABS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

HERE = Path(__file__).parent
AXE = (HERE / "axe" / "axe.min.js").read_text(encoding="utf-8")
LAYOUT_PROBLEMS = (HERE / "layout_problems.js").read_text(encoding="utf-8")
STILL = """document.getAnimations().every((each) =>
  each.playState !== "running" || each.effect.getTiming().iterations === Infinity)"""
HIDDEN = {tab.path for tab in TABS if not tab.in_navigation}
_ATTEMPTS = 3
FOLLOW_LINK = """(href) => {
  const link = Object.assign(document.createElement("a"), {href});
  document.body.append(link);
  link.click();
  link.remove();
}"""
RUN_AXE = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations.filter((each) => ["serious", "critical"].includes(each.impact)).flatMap((each) =>
    each.nodes.slice(0, 4).map((node) => `${each.id}: ${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`));
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def _filled_office(session_panel_server: PanelServer) -> AsyncIterator[None]:
    await session_panel_server.report_hour_of_traffic()
    async with filled_office(session_panel_server):
        yield


@pytest.mark.parametrize(
    ("theme", "language", "size"),
    [("light", "ru", DESKTOP), ("dark", "en", DESKTOP), ("light", "en", PHONE), ("contrast", "ru", PHONE)],
    ids=["light-ru", "dark-en", "phone-en", "phone-contrast-ru"],
)
@pytest.mark.timeout(300)
async def test_pages_are_accessible_and_complete(
    open_browser: OpenBrowser, theme: str, language: str, size: tuple[int, int]
) -> None:
    user: BrowserUser = await open_browser(size, locale=language, bypass_csp=True)
    chosen = {"secretary_theme": theme, "secretary_language": language}
    await user.page.context.add_cookies(
        [{"name": name, "value": value, "url": user.server.url} for name, value in chosen.items()]
    )
    await user.open_logged_in()
    await user.page.evaluate(AXE)
    problems: list[str] = []
    for tab in TABS:
        await _go_to(user.page, user.server, tab.path)
        found = await user.page.evaluate(RUN_AXE) + await user.page.evaluate(LAYOUT_PROBLEMS)
        problems += [f"{tab.path}: {problem}" for problem in found]
    assert not problems, "\n".join(problems)
    assert user.page_errors == []


async def _go_to(page: Page, server: PanelServer, path: str) -> None:
    """Opens a page without a load of the document, and scrolls to its end.

    axe may block the page for longer than a ping may take: the connection is lost, and a message with it.
    """
    for attempt in range(_ATTEMPTS):
        await page.wait_for_function("window.socket.connected", timeout=60_000)
        await page.evaluate("(path) => emitEvent('sub_pages_navigate', path)", path)
        try:
            await expect(page).to_have_url(server.url + path.removeprefix("/"))
            break
        except AssertionError:
            if attempt == _ATTEMPTS - 1:
                raise
    await expect(page.locator(".shell-main h1").first).to_be_attached()
    await expect(page.locator(".shell-main .skeleton")).to_have_count(0)
    await expect(page.locator(".q-dialog")).to_have_count(0)
    await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    await page.wait_for_function(STILL)
    await page.evaluate("scrollTo(0, 0)")
