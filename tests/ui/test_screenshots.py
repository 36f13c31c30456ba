"""Pictures of the panel for the docs: ``pytest tests/ui/test_screenshots.py --screenshots docs/screenshots``."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.ui.conftest import PHONE, BrowserUser
from tests.ui.fakes import ONE_ENGINE_MISSING

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MOST_BYTES = 200_000
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


async def picture(page: Page, path: Path) -> None:
    await page.mouse.move(0, 0)
    await page.wait_for_timeout(900)
    await page.screenshot(path=path, animations="disabled")
    assert path.stat().st_size < MOST_BYTES


async def dashboard(page: Page) -> None:
    await expect(page.locator(".chart svg path").first).to_be_attached()


async def chat(page: Page) -> None:
    await page.locator(".chat-bar").get_by_role("button").click()
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


Scene = Callable[[Page], Awaitable[None]]
SCENES: list[tuple[str, str, Scene, tuple[int, int], list[dict[str, str]]]] = [
    ("dashboard", "", dashboard, (1280, 900), []),
    ("dashboard-dark", "", dashboard, (1280, 900), [DARK, ENGLISH]),
    ("dashboard-phone", "", dashboard, PHONE, []),
    ("chat", "chat", chat, (1280, 800), []),
    ("chat-phone", "chat", chat, PHONE, [DARK]),
    ("faq", "faq", faq, (1280, 900), []),
    ("faq-phone", "faq", faq, PHONE, []),
    ("faq-editor", "faq", editor, (1280, 900), [ENGLISH]),
]


@pytest.mark.parametrize(("name", "path", "scene", "size", "cookies"), SCENES, ids=[scene[0] for scene in SCENES])
async def test_take(visit, folder: Path, name: str, path: str, scene: Scene, size, cookies) -> None:
    visitor: BrowserUser = await visit(size)
    await visitor.stage.report_hour_of_traffic()
    await _working_hours(visitor)
    if name == "dashboard-dark":
        visitor.stage.assistant.engines = ONE_ENGINE_MISSING
    await visitor.page.context.add_cookies([cookie | {"url": visitor.stage.url} for cookie in cookies])
    await visitor.open_logged_in(path)
    await scene(visitor.page)
    await picture(visitor.page, folder / f"{name}.png")


async def test_take_login(visit, folder: Path) -> None:
    visitor: BrowserUser = await visit((1280, 800))
    await visitor.open()
    await picture(visitor.page, folder / "login.png")


async def _working_hours(visitor: BrowserUser) -> None:
    """An answer that people ask for."""
    book = visitor.stage.office.faq
    found = (await book.list("Когда вы работаете?", "ru")).entries
    hits = {entry.id: 42 - 9 * n for n, entry in enumerate(found) if not entry.hits}
    await book.record_hits(hits)
