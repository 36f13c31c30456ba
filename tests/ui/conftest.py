"""One panel server, one browser and one browser context for all tests. Each test starts without cookies."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from nicegui import Client
from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright, expect

from tests.ui.fakes import HEALTHY_ENGINES
from tests.ui.microphone_sound import write_tone
from tests.ui.panel_server import PASSWORD, USERNAME, PanelServer, run_panel_server

CHROMIUM = Path("/usr/bin/chromium")
HEADLESS_SHELL = shutil.which("chromium-headless-shell")
"""Chromium without windows, menus and devices: a page takes half of the processor time."""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--process-per-site",
]
DEFAULTS: dict[str, Any] = {"locale": "ru-RU", "service_workers": "block", "reduced_motion": "reduce"}
DESKTOP, PHONE = (1280, 860), (390, 844)
REPORT_UNMARKED_BUTTONS = """
(() => {
  let unmarked = null;
  addEventListener("keydown", () => { unmarked = null; }, true);
  addEventListener("click", (event) => {
    const button = event.target.closest("button, [role=button]");
    unmarked = button?.closest("[aria-haspopup], .q-dialog, .q-menu, .q-field") ? null : button;
  }, true);
  const check = (added) => {
    if (!unmarked || !/^q-portal--(dialog|menu)/.test(added.id)) return;
    console.error(`a dialog or menu is opened by a button without aria-haspopup: ${unmarked.outerHTML}`);
    unmarked = null;
  };
  addEventListener("DOMContentLoaded", () => new MutationObserver((changes) =>
    changes.forEach((change) => change.addedNodes.forEach(check))).observe(document.body, { childList: true }));
})();
"""
"""The walk over all pages finds what opens dialogs and menus by this attribute, and screen readers announce it."""

expect.set_options(timeout=15_000)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", default="", help="folder for screenshots of the panel")
    parser.addoption("--look", action="append", default=[], help="take screenshots in this look, such as phone-dark-ru")
    parser.addoption("--every-screenshot", action="store_true", help="write a picture of each page in each look")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def session_panel_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PanelServer]:
    async with run_panel_server(tmp_path_factory.mktemp("office")) as panel_server:
        await panel_server.report_hour_of_traffic()
        yield panel_server


@pytest.fixture
def panel_server(session_panel_server: PanelServer) -> PanelServer:
    """The panel with healthy engines and without prefix stripping."""
    session_panel_server.assistant.engines = HEALTHY_ENGINES
    session_panel_server.prefix.strip = False
    return session_panel_server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shell_browser(whole_browser: Browser) -> AsyncIterator[Browser]:
    """The headless shell where it is installed, else the whole browser."""
    if HEADLESS_SHELL is None:
        yield whole_browser
        return
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=HEADLESS_SHELL, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def whole_browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """Its microphone hears TONE_HERTZ."""
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing; run: sudo apt-get install chromium", pytrace=False)
    sound = tmp_path_factory.mktemp("microphone") / "tone.wav"
    write_tone(sound)
    arguments = [*ARGUMENTS, f"--use-file-for-fake-audio-capture={sound}"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        await browser.close()


@dataclass
class BrowserUser:
    """A user with a browser window. ``page_errors`` are errors of the console, of scripts and of requests."""

    server: PanelServer
    page: Page
    page_errors: list[str] = field(default_factory=list)

    def record_page_errors(self) -> None:
        page = self.page
        page.on("console", lambda m: m.type in ("error", "warning") and self._record(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda error: self.page_errors.append(str(error)))
        page.on("requestfailed", self._failed)

    def _record(self, message: str) -> None:
        if "Service Worker registration blocked by Playwright" not in message:
            self.page_errors.append(message)

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # aborted when the page is left
            self.page_errors.append(f"failed: {request.url} {request.failure}")

    async def open(self, path: str = "") -> None:
        await self.page.goto(self.server.url + path, wait_until="domcontentloaded")

    async def log_in(self, path: str = "", username: str = USERNAME, password: str = PASSWORD) -> None:
        await self.open(path)
        await self.page.fill("#username", username)
        await self.page.fill("#password", password)
        await self.page.click("button[type=submit]")

    async def open_logged_in(self, path: str = "", username: str = USERNAME) -> None:
        """Opens a page with a new session and waits until it is connected."""
        value = await self.server.login_cookie(username)
        cookie = {"name": "secretary_panel", "value": value, "url": self.server.origin}
        await self.page.context.add_cookies([cookie])
        await self.open(path)
        await expect(self.page.locator(".shell")).to_be_visible()
        await self.page.wait_for_function("window.did_handshake === true")


OpenBrowser = Callable[..., Awaitable[BrowserUser]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_context(shell_browser: Browser, session_panel_server: PanelServer) -> AsyncIterator[BrowserContext]:
    """A desktop context for all tests, so that the assets of the panel are loaded once. Its first page stays open: it
    keeps the process of the site, with the compiled scripts."""
    context = await shell_browser.new_context(viewport={"width": DESKTOP[0], "height": DESKTOP[1]}, **DEFAULTS)
    await (await context.new_page()).goto(session_panel_server.url + "assets/offline.html")
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_browser(
    panel_server: PanelServer, whole_browser: Browser, shared_context: BrowserContext
) -> AsyncIterator[OpenBrowser]:
    """``await open_browser()`` opens a page of the shared context without cookies, ``await open_browser(PHONE)`` one of
    a new context of the whole browser."""
    contexts: list[BrowserContext] = []

    async def open_page(size: tuple[int, int] = DESKTOP, **options: Any) -> BrowserUser:
        context = shared_context
        if size != DESKTOP or options:
            viewport = {"width": size[0], "height": size[1]}
            context = await whole_browser.new_context(viewport=viewport, **(DEFAULTS | options))
            contexts.append(context)
        context.set_default_timeout(15_000)
        user = BrowserUser(panel_server, await context.new_page())
        user.record_page_errors()
        await user.page.add_init_script(REPORT_UNMARKED_BUTTONS)
        return user

    await shared_context.clear_cookies()
    yield open_page
    for page in shared_context.pages[1:]:
        await page.close()
    for context in contexts:
        await context.close()
    for client in tuple(Client.instances.values()):  # NiceGUI deletes them later, and dashboards refresh until then
        client.delete()


@pytest_asyncio.fixture(loop_scope="session")
async def admin(open_browser: OpenBrowser) -> AsyncIterator[BrowserUser]:
    """A user with a desktop browser, in which no error may occur."""
    user = await open_browser()
    yield user
    assert user.page_errors == []
