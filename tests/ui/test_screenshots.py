"""Takes the screenshots of the docs: ``pytest tests/ui/test_screenshots.py --screenshots docs/screenshots``."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.faq_hits import add_faq_hits
from tests.ui.conftest import PHONE, BrowserUser
from tests.ui.fakes import ONE_ENGINE_MISSING

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


async def dashboard(page: Page) -> None:
    await expect(page.locator(".health-text")).to_be_visible()


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


async def editor(page: Page) -> None:
    await page.locator(".faq-row .icon-button").first.click()
    await expect(page.get_by_role("dialog").locator("textarea").first).to_be_visible()


Preparation = Callable[[Page], Awaitable[None]]
SCREENSHOTS: list[tuple[str, str, Preparation, tuple[int, int], list[dict[str, str]]]] = [
    ("dashboard", "", dashboard, (1280, 900), []),
    ("dashboard-dark", "", dashboard, (1280, 900), [DARK, ENGLISH]),
    ("dashboard-phone", "", dashboard, PHONE, []),
    ("chat", "chat", chat, (1280, 800), []),
    ("chat-phone", "chat", chat, PHONE, [DARK]),
    ("faq", "faq", faq, (1280, 900), []),
    ("faq-phone", "faq", faq, PHONE, []),
    ("faq-editor", "faq", editor, (1280, 900), [ENGLISH]),
]


@pytest.mark.parametrize(
    ("name", "path", "prepare", "size", "cookies"), SCREENSHOTS, ids=[prepare[0] for prepare in SCREENSHOTS]
)
async def test_screenshot(
    open_browser, folder: Path, name: str, path: str, prepare: Preparation, size, cookies
) -> None:
    user: BrowserUser = await open_browser(size)
    await user.server.report_hour_of_traffic()
    await _set_hits(user)
    if name == "dashboard-dark":
        user.server.assistant.engines = ONE_ENGINE_MISSING
    await user.page.context.add_cookies([cookie | {"url": user.server.url} for cookie in cookies])
    await user.open_logged_in(path)
    await prepare(user.page)
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
