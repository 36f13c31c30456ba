"""Takes the screenshots of the docs: ``pytest tests/ui/test_screenshots.py --screenshots docs/screenshots``. With
``--every-screenshot`` it takes all pages in all looks."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import CDPSession, Page, expect

from tests.faq_hits import add_faq_hits
from tests.ui.conftest import PHONE, BrowserUser, OpenBrowser
from tests.ui.filled_office import busy_office
from tests.ui.page_walk import STILL, Look, go_to, open_in_look
from tests.ui.panel_server import PanelServer
from ui.navigation import TABS, PanelTab
from ui.translations import LANGUAGES

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(900)]

LARGE = (1280, 900)
HIGHEST, QUALITY = 1_700, 82
WITHOUT_CARET = "* { caret-color: transparent !important } .q-notifications, .q-tooltip { display: none !important }"
LOOKS = [
    Look(theme, language, size) for size in (LARGE, PHONE) for theme in ("light", "dark") for language in LANGUAGES
]
KEPT = {Look("light", "ru", LARGE), Look("light", "en", LARGE), Look("dark", "en", LARGE), Look("light", "ru", PHONE)}


@pytest.fixture
def folder(pytestconfig: pytest.Config) -> Path:
    chosen = pytestconfig.getoption("--screenshots", default="")
    if not chosen:
        pytest.skip("no --screenshots folder given")
    path = Path(chosen)
    path.mkdir(parents=True, exist_ok=True)
    return path


async def _chat(page: Page) -> None:
    question = page.locator(".composer textarea")
    await question.fill("А в субботу вас можно застать?")
    await expect(question).to_have_value("А в субботу вас можно застать?")
    await question.press("Enter")
    await expect(page.locator(".message-closed").first).to_be_visible()


async def _faq(page: Page) -> None:
    await page.locator(".tester-input input").fill("какой сегодня день недели?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".verdict-line").first).to_be_visible()


Preparation = Callable[[Page], Awaitable[None]]
PREPARED: dict[str, Preparation] = {"chat": _chat, "faq": _faq}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def used_office(session_panel_server: PanelServer) -> AsyncIterator[None]:
    """An office with bots, conversations, keys and users."""
    await session_panel_server.report_hour_of_traffic()
    found = (await session_panel_server.office.faq.list("Когда вы работаете?", "ru")).entries
    hits = {entry.id: 42 - 9 * n for n, entry in enumerate(found) if not entry.hits}
    await add_faq_hits(session_panel_server.office, hits)
    async with busy_office(session_panel_server):
        yield


@pytest.mark.usefixtures("used_office")
@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_screenshots(open_browser: OpenBrowser, folder: Path, pytestconfig: pytest.Config, look: Look) -> None:
    if look not in KEPT and not pytestconfig.getoption("--every-screenshot", default=False):
        pytest.skip("not one of the kept pictures")
    user = await open_in_look(open_browser, look)
    camera = await user.page.context.new_cdp_session(user.page)
    await user.open()
    await _take(user.page, camera, folder / f"login-{look}.webp")
    await user.open_logged_in()
    await user.page.add_style_tag(content=WITHOUT_CARET)
    for tab in TABS:
        await _photograph(user, camera, tab, folder / f"{tab.module}-{look}.webp")


async def _photograph(user: BrowserUser, camera: CDPSession, tab: PanelTab, path: Path) -> None:
    await go_to(user.page, user.server, tab.path)
    await PREPARED.get(tab.module, _untouched)(user.page)
    await _take(user.page, camera, path)


async def _untouched(page: Page) -> None:
    await expect(page.locator(".shell-main h1").first).to_be_attached()


async def _take(page: Page, camera: CDPSession, path: Path) -> None:
    """A picture of the page as far as it goes, within HIGHEST."""
    size = page.viewport_size
    assert size is not None
    await page.mouse.move(0, 0)
    height = min(await page.evaluate("document.documentElement.scrollHeight"), HIGHEST)
    await page.set_viewport_size({"width": size["width"], "height": max(height, size["height"])})
    await page.wait_for_timeout(400)
    await page.wait_for_function(STILL)
    answer = await camera.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    path.write_bytes(base64.b64decode(answer["data"]))
    await page.set_viewport_size(size)
