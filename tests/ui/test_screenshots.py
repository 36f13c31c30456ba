"""Takes the screenshots of the docs: ``pytest tests/ui/test_screenshots.py --screenshots docs/screenshots``."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.faq_hits import add_faq_hits
from tests.ui.conftest import PHONE, BrowserUser
from tests.ui.filled_office import filled_office
from tests.ui.panel_server import PanelServer
from ui.navigation import TABS, PanelTab

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MAX_BYTES = 200_000
DARK = {"name": "secretary_theme", "value": "dark"}
ENGLISH = {"name": "secretary_language", "value": "en"}


@pytest.fixture
def folder(pytestconfig: pytest.Config) -> Path:
    chosen = pytestconfig.getoption("--screenshots", default="")
    if not chosen:
        pytest.skip("no --screenshots folder given")
    path = Path(chosen)
    path.mkdir(parents=True, exist_ok=True)
    return path


async def take_screenshot(page: Page, path: Path) -> None:
    await page.mouse.move(0, 0)
    await page.wait_for_timeout(900)
    await page.screenshot(path=path, animations="disabled")
    assert path.stat().st_size < MAX_BYTES


async def chat(page: Page) -> None:
    await page.get_by_role("button", name="Новый разговор").click()
    for number, question in enumerate(("До скольки вы работаете? (faq)", "А в субботу вас можно застать?"), 1):
        await page.locator(".composer textarea").fill(question)
        await page.keyboard.press("Enter")
        await expect(page.locator(".message-closed")).to_have_count(number)


async def faq(page: Page) -> None:
    await page.locator(".filter-language").get_by_text("RU", exact=True).click()
    await page.locator(".tester-input input").fill("когда вы работаете?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".verdict .match").first).to_be_visible()


async def untouched(page: Page) -> None:
    await expect(page.locator(".shell-main h1").first).to_be_attached()


Preparation = Callable[[Page], Awaitable[None]]
PREPARED: dict[str, Preparation] = {"chat": chat, "faq": faq}
LARGE, DARK_PAGES, PHONE_PAGES = (1280, 900), ("home", "llm", "services"), ("home", "chat", "conversations", "faq")
SCREENSHOTS: list[tuple[str, PanelTab, tuple[int, int], list[dict[str, str]]]] = [
    *((tab.module, tab, LARGE, []) for tab in TABS),
    *((f"{tab.module}-dark", tab, LARGE, [DARK, ENGLISH]) for tab in TABS if tab.module in DARK_PAGES),
    *((f"{tab.module}-phone", tab, PHONE, []) for tab in TABS if tab.module in PHONE_PAGES),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def used_office(session_panel_server: PanelServer) -> AsyncIterator[None]:
    """An office with bots, conversations, keys and users."""
    await session_panel_server.report_hour_of_traffic()
    async with filled_office(session_panel_server):
        yield


@pytest.mark.usefixtures("used_office")
@pytest.mark.parametrize(("name", "tab", "size", "cookies"), SCREENSHOTS, ids=[each[0] for each in SCREENSHOTS])
async def test_screenshot(open_browser, folder: Path, name: str, tab: PanelTab, size, cookies) -> None:
    user: BrowserUser = await open_browser(size)
    await _set_hits(user)
    await user.page.context.add_cookies([cookie | {"url": user.server.url} for cookie in cookies])
    await user.open_logged_in(tab.path.removeprefix("/"))
    await PREPARED.get(tab.module, untouched)(user.page)
    await expect(user.page.locator(".shell-main .skeleton")).to_have_count(0)
    await take_screenshot(user.page, folder / f"{name}.png")


async def test_login_screenshot(open_browser, folder: Path) -> None:
    user: BrowserUser = await open_browser((1280, 800))
    await user.open()
    await take_screenshot(user.page, folder / "login.png")


async def _set_hits(user: BrowserUser) -> None:
    """Sets the hits of the entries about opening hours."""
    book = user.server.office.faq
    found = (await book.list("Когда вы работаете?", "ru")).entries
    hits = {entry.id: 42 - 9 * n for n, entry in enumerate(found) if not entry.hits}
    await add_faq_hits(user.server.office, hits)
