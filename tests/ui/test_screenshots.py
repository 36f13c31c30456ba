"""Takes the screenshots of the docs: ``pytest tests/ui/test_screenshots.py --screenshots docs/screenshots``.

Each look becomes a sheet of all pages, and the single pictures of the docs are written too. ``--look desktop-dark-ru``
takes one look and may be repeated; ``--every-screenshot`` writes all single pictures.
"""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import Browser, CDPSession, Page, expect

from tests.faq_hits import add_faq_hits
from tests.ui.conftest import PHONE, OpenBrowser
from tests.ui.connected_bot import connected_bot
from tests.ui.contact_sheet import contact_sheet
from tests.ui.filled_office import busy_office
from tests.ui.page_walk import STILL, Look, go_to, open_in_look
from tests.ui.panel_server import PanelServer
from tests.ui.stored_chats import stored_chats
from ui.navigation import TABS
from ui.translations import LANGUAGES

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(900)]

LARGE = (1280, 900)
HIGHEST, QUALITY = 1_700, 82
WITHOUT_CARET = "* { caret-color: transparent !important } .q-notifications, .q-tooltip { display: none !important }"
LOOKS = [
    Look(theme, language, size) for size in (LARGE, PHONE) for theme in ("light", "dark") for language in LANGUAGES
]
DOCS = "desktop-light-en"
SINGLE = {("home", "desktop-dark-en"), ("home", "phone-light-ru")}
"""Pictures of the docs besides all of the look DOCS."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Without a folder there are no looks, and nothing is set up."""
    config = metafunc.config
    wanted = config.getoption("--look", default=[]) or [str(look) for look in LOOKS]
    unknown = set(wanted) - {str(look) for look in LOOKS}
    if unknown:
        raise pytest.UsageError(f"no such look: {', '.join(unknown)}; there are {', '.join(map(str, LOOKS))}")
    folder = config.getoption("--screenshots", default="")
    metafunc.parametrize("look", [look for look in LOOKS if folder and str(look) in wanted], ids=str)


async def _faq(page: Page) -> None:
    russian = await page.locator("html[lang=ru]").count()
    await page.locator(".tester-input input").fill("какой сегодня день недели?" if russian else "what day is it today?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".verdict-line").first).to_be_visible()


async def _chat(page: Page) -> None:
    await expect(page.locator(".message-closed").last).to_be_visible()


async def _bot(page: Page) -> None:
    await expect(page.locator("[data-state=running]")).to_be_visible()


async def _heading(page: Page) -> None:
    await expect(page.locator(".shell-main h1").first).to_be_attached()


PREPARED: dict[str, Callable[[Page], Awaitable[None]]] = {"chat": _chat, "faq": _faq, "telegram-bot": _bot}


class UsedOffice(NamedTuple):
    """``chats`` are the ids of conversations by language, ``bot`` is the id of one that runs."""

    chats: dict[str, str]
    bot: str

    def paths(self, language: str) -> dict[str, str]:
        """The addresses of the pictures by their names."""
        paths = {tab.module: tab.path for tab in TABS}
        paths["chat"] += f"?id={self.chats[language]}"
        paths["telegram-bot"] = f"/telegram?bot={quote(self.bot)}"
        return paths


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def used_office(session_panel_server: PanelServer) -> AsyncIterator[UsedOffice]:
    """An office with bots, conversations, keys and users."""
    server = session_panel_server
    await server.report_hour_of_traffic()
    found = (await server.office.faq.list("Когда вы работаете?", "ru")).entries
    hits = {entry.id: 42 - 9 * n for n, entry in enumerate(found) if not entry.hits}
    await add_faq_hits(server.office, hits)
    async with busy_office(server), stored_chats(server) as chats, connected_bot(server) as bot:
        yield UsedOffice(chats, bot)


async def test_screenshots(
    open_browser: OpenBrowser,
    shell_browser: Browser,
    used_office: UsedOffice,
    pytestconfig: pytest.Config,
    capsys: pytest.CaptureFixture[str],
    look: Look,
) -> None:
    folder = Path(pytestconfig.getoption("--screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    user = await open_in_look(open_browser, look)
    camera = await user.page.context.new_cdp_session(user.page)
    await user.open()
    pictures = {"login": await _take(user.page, camera)}
    await user.open_logged_in()
    await user.page.add_style_tag(content=WITHOUT_CARET)
    paths = used_office.paths(look.language)
    for name, path in paths.items():
        await go_to(user.page, user.server, path)
        await PREPARED.get(name, _heading)(user.page)
        pictures[name] = await _take(user.page, camera)
        with capsys.disabled():
            print(f"{look}: {len(pictures)} of {len(paths) + 1}, {name}")
    for name, picture in pictures.items():
        if str(look) == DOCS or (name, str(look)) in SINGLE or pytestconfig.getoption("--every-screenshot"):
            (folder / f"{name}-{look}.webp").write_bytes(picture)
    if str(look) != DOCS:
        (folder / f"all-{look}.webp").write_bytes(await contact_sheet(shell_browser, pictures, look.size[0]))


async def _take(page: Page, camera: CDPSession) -> bytes:
    """A picture of the page as far as it goes, within HIGHEST."""
    size = page.viewport_size
    assert size is not None
    await page.mouse.move(0, 0)
    height = min(await page.evaluate("document.documentElement.scrollHeight"), HIGHEST)
    await page.set_viewport_size({"width": size["width"], "height": max(height, size["height"])})
    await page.wait_for_timeout(400)
    await page.wait_for_function(STILL)
    answer = await camera.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    await page.set_viewport_size(size)
    return base64.b64decode(answer["data"])
