"""panel: what a first load sends, how soon a clicked page is painted, and what open tabs cost the office."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from playwright.async_api import Browser, BrowserContext, Page, StorageState, async_playwright

from benchmarks.report import BenchmarkResult, ResultTable
from benchmarks.server_process import PASSWORD, SCRIPTED_GRAPH, ServerProcess, secretary_server, wait_for_secretary

CHROMIUM = Path("/usr/bin/chromium")
SENT_AIM, REQUESTS_AIM, PAINT_AIM_MS, MEMORY_AIM_MB, CORE_AIM = 500_000, 25, 300, 20, 0.10
_CONNECTED = "window.did_handshake === true"
_LINKS = "[...document.querySelectorAll('.shell-nav .nav-link[href]')].map((link) => link.getAttribute('href'))"
_CLICK_TO_PAINT = """(href) => new Promise((resolve) => {
  for (const old of document.querySelectorAll(".shell-main h1")) old.dataset.old = "";
  const clicked = performance.now();
  const look = () => document.querySelector(".shell-main h1:not([data-old])")
    && !document.querySelector(".shell-main .skeleton")
    ? requestAnimationFrame(() => resolve(performance.now() - clicked)) : requestAnimationFrame(look);
  document.querySelector(`.shell-nav a[href="${href}"]`).click();
  look();
})"""
_HIDE = """() => {
  Object.defineProperty(document, "visibilityState", {value: "hidden"});
  Object.defineProperty(document, "hidden", {value: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@dataclass
class FirstLoad:
    """Bytes over the wire and requests of the first load of a new browser, without the websocket."""

    sent: dict[str, int] = field(default_factory=dict)

    @property
    def row(self) -> tuple[str, str]:
        return f"{sum(self.sent.values()) / 1000:.0f} kB", str(len(self.sent))


@dataclass(frozen=True, slots=True)
class OfficeUse:
    memory_mb: float
    core: float


def measure(quick: bool) -> BenchmarkResult:
    with (
        TemporaryDirectory(prefix="secretary-bench-") as name,
        secretary_server("secretary", Path(name) / "data", SCRIPTED_GRAPH) as server,
    ):
        wait_for_secretary(server)
        return asyncio.run(_measure(server, tabs=20, rounds=2 if quick else 5, rest_s=5 if quick else 30))


async def _measure(server: ServerProcess, tabs: int, rounds: int, rest_s: float) -> BenchmarkResult:
    url = f"http://127.0.0.1:{server.port}/admin/ui/"
    office = office_process(server)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        login = await _first_load(browser, url, None)
        state = await _log_in(browser, url)
        panel = await _first_load(browser, url, state)
        context = await browser.new_context(storage_state=state)
        paints = await _click_all_pages(context, url, rounds)
        alone = await _use(office, rest_s)
        pages = [await _open(context, url) for _ in range(tabs)]
        shown = await _use(office, rest_s)
        for page in pages:
            await page.evaluate(_HIDE)
        hidden = await _use(office, rest_s)
        await browser.close()
    medians = {path: median(times) for path, times in paints.items()}
    slowest = max(medians, key=lambda path: medians[path])
    memory = shown.memory_mb - alone.memory_mb
    rows = [
        ("first load of the login page", *login.row),
        ("first load of the panel", *panel.row),
    ]
    aims = (f"≤ {SENT_AIM // 1000} kB", f"≤ {REQUESTS_AIM}")
    load_table = ResultTable("First load of a new browser", ("", "over the wire", "requests"), [*rows, ("aim", *aims)])
    costs = [
        ("click to painted page, median of all pages", f"{median(medians.values()):.0f} ms", f"≤ {PAINT_AIM_MS} ms"),
        (f"click to painted page, slowest ({slowest})", f"{medians[slowest]:.0f} ms", ""),
        (f"memory of the office for {tabs} tabs", f"{memory:.1f} MB", f"≤ {MEMORY_AIM_MB} MB"),
        (f"processor for {tabs} tabs, shown", f"{shown.core - alone.core:.1%} of a core", f"≤ {CORE_AIM:.0%}"),
        (f"processor for {tabs} tabs, hidden", f"{hidden.core - alone.core:.1%} of a core", ""),
    ]
    notes = (
        f"Headless Chromium on the same machine; {len(medians)} pages, {rounds} clicks each; tabs show the home page.",
        "Memory and processor time are those of the office's process, less those with one tab.",
    )
    raw: dict[str, Any] = {
        "login": login.sent,
        "panel": panel.sent,
        "paint_ms": paints,
        "memory_mb": memory,
        "core": {"alone": alone.core, "shown": shown.core, "hidden": hidden.core},
    }
    return BenchmarkResult([load_table, ResultTable("Pages and tabs", ("", "measured", "aim"), costs, notes)], raw)


async def _log_in(browser: Browser, url: str) -> StorageState:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(url)
    await page.fill("#username", "admin")
    await page.fill("#password", PASSWORD)
    await page.click("button[type=submit]")
    await page.wait_for_selector(".shell")
    state = await context.storage_state()
    await context.close()
    return state


async def _first_load(browser: Browser, url: str, state: StorageState | None) -> FirstLoad:
    """A load with an empty cache, counted by the browser until the network rests."""
    context = await browser.new_context(storage_state=state, locale="ru-RU", service_workers="block")
    page = await context.new_page()
    network = await context.new_cdp_session(page)
    await network.send("Network.enable")
    urls: dict[str, str] = {}
    load = FirstLoad()
    network.on("Network.requestWillBeSent", lambda event: urls.update({event["requestId"]: event["request"]["url"]}))
    network.on(
        "Network.loadingFinished",
        lambda event: load.sent.update(_sent(urls.get(event["requestId"], ""), event["encodedDataLength"])),
    )
    await page.goto(url)
    if state:
        await page.wait_for_selector(".shell-main h1")
        await page.wait_for_function(_CONNECTED)
    await page.wait_for_timeout(2_000)  # fonts and icons follow the first paint
    await context.close()
    return load


def _sent(url: str, size: float) -> dict[str, int]:
    return {url: round(size)} if url.startswith("http") else {}


async def _click_all_pages(context: BrowserContext, url: str, rounds: int) -> dict[str, list[float]]:
    """Milliseconds from the click on a link of the navigation to the painted page; the first round is left out."""
    page = await _open(context, url)
    found: dict[str, list[float]] = {}
    links = await page.evaluate(_LINKS)
    for number in range(rounds + 1):
        for href in links[1:] + links[:1]:
            took = await page.evaluate(_CLICK_TO_PAINT, href)
            if number:
                found.setdefault(href.partition("/ui")[2], []).append(took)
    return found


async def _open(context: BrowserContext, url: str) -> Page:
    page = await context.new_page()
    await page.goto(url)
    await page.wait_for_selector(".shell-main h1")
    await page.wait_for_function(_CONNECTED)
    return page


def office_process(server: ServerProcess) -> psutil.Process:
    """The process of the office, by the title that Ray Serve gives it."""
    titles = {process: " ".join(process.cmdline()) for process in server.processes()}
    for process, title in titles.items():
        if title.startswith("ray::ServeReplica:office"):
            return process
    raise RuntimeError(f"no process of the office among {sorted(titles.values())}")


async def _use(process: psutil.Process, seconds: float) -> OfficeUse:
    """Memory and the share of a core, once what came before has settled."""
    await asyncio.sleep(3)
    before = process.cpu_times()
    await asyncio.sleep(seconds)
    now = process.cpu_times()
    used = now.user + now.system - before.user - before.system
    return OfficeUse(process.memory_info().rss / 1e6, used / seconds)
