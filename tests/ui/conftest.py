"""One panel, one browser; every test opens its own window with its own cookies."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright, expect

from tests.ui.fakes import HEALTHY_ENGINES
from tests.ui.panel_server import PASSWORD, USERNAME, PanelServer, run_panel_server

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP, PHONE = (1280, 860), (390, 844)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", default="", help="folder for pictures of the panel")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stage_of_session(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PanelServer]:
    async with run_panel_server(tmp_path_factory.mktemp("office")) as stage:
        await stage.report_hour_of_traffic()
        yield stage


@pytest.fixture
def stage(stage_of_session: PanelServer) -> PanelServer:
    """The panel, healthy and with its prefix kept."""
    stage_of_session.assistant.engines = HEALTHY_ENGINES
    stage_of_session.prefix.strip = False
    return stage_of_session


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing; run: sudo apt-get install chromium", pytrace=False)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@dataclass
class BrowserUser:
    """A person with a browser window. ``complaints`` are errors of the console, of scripts and of loading."""

    stage: PanelServer
    page: Page
    page_errors: list[str] = field(default_factory=list)

    def record_page_errors(self) -> None:
        page = self.page
        page.on("console", lambda m: m.type in ("error", "warning") and self.page_errors.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda error: self.page_errors.append(str(error)))
        page.on("requestfailed", self._failed)

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # what a page drops when it is left
            self.page_errors.append(f"failed: {request.url} {request.failure}")

    async def open(self, path: str = "") -> None:
        await self.page.goto(self.stage.url + path)

    async def log_in(self, path: str = "", username: str = USERNAME, password: str = PASSWORD) -> None:
        await self.open(path)
        await self.page.fill("#username", username)
        await self.page.fill("#password", password)
        await self.page.click("button[type=submit]")

    async def open_logged_in(self, path: str = "", username: str = USERNAME) -> None:
        """Opens a tab with a fresh login and waits until its shell is alive."""
        value = await self.stage.login_cookie(username)
        cookie = {"name": "secretary_panel", "value": value, "url": self.stage.origin}
        await self.page.context.add_cookies([cookie])
        await self.open(path)
        await expect(self.page.locator(".shell")).to_be_visible()
        await self.page.wait_for_function("window.did_handshake === true")


@pytest_asyncio.fixture(loop_scope="session")
async def contexts(browser: Browser) -> AsyncIterator[list[BrowserContext]]:
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(stage: PanelServer, browser: Browser, contexts: list[BrowserContext]):
    """``await visit(size=PHONE)``: a new window of a new person."""

    async def come(size: tuple[int, int] = DESKTOP, **options: object) -> BrowserUser:
        context = await browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
        contexts.append(context)
        context.set_default_timeout(10_000)
        visitor = BrowserUser(stage, await context.new_page())
        visitor.record_page_errors()
        return visitor

    return come


@pytest_asyncio.fixture(loop_scope="session")
async def admin(visit) -> AsyncIterator[BrowserUser]:
    """A person at a desktop whose browser must have nothing to complain about."""
    visitor = await visit()
    yield visitor
    assert visitor.complaints == []
