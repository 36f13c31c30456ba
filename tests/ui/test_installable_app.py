"""The panel as an app: manifest, service worker, and what happens without a connection."""

import httpx
import pytest
from nicegui import __version__
from playwright.async_api import expect

from tests.ui.conftest import BrowserUser
from tests.ui.panel_server import PanelServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ALLOWED = {"service_workers": "allow"}
KEPT = """async () => (await Promise.all((await caches.keys()).map(async (name) =>
  (await (await caches.open(name)).keys()).map((request) => new URL(request.url).pathname)))).flat()"""


async def test_manifest_and_worker_need_no_login(panel_server: PanelServer) -> None:
    async with httpx.AsyncClient(base_url=panel_server.url) as client:
        for language, name in (("ru", "AI-секретарь"), ("en", "AI secretary")):
            manifest = (await client.get("manifest.webmanifest", params={"language": language})).json()
            assert (manifest["name"], manifest["start_url"], manifest["display"]) == (name, "./", "standalone")
        for icon in manifest["icons"]:
            answer = await client.get(icon["src"])
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        worker = await client.get("service-worker.js")
        assert worker.headers["content-type"].startswith("text/javascript")
        for path in ("service-worker.js.map", "manifest", "service-worker.js/", "manifest.webmanifest/faq"):
            assert (await client.get(path)).status_code in (307, 401), path


async def test_worker_keeps_shell_only(open_browser) -> None:
    user: BrowserUser = await open_browser(**ALLOWED)
    page = user.page
    await user.open_logged_in()
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    await page.wait_for_function("navigator.serviceWorker.controller !== null")
    for path in ("faq", ""):  # now through the worker
        await user.open(path)
        await expect(page.locator(".shell")).to_be_visible()
    kept = set(await page.evaluate(KEPT))
    shell = ("/admin/ui/assets/", *(f"/admin/ui/_nicegui/{__version__}/{part}/" for part in _PARTS))
    assert {path for path in kept if not path.startswith(shell)} == set()
    assert {"/admin/ui/assets/offline.html", "/admin/ui/assets/panel.css"} <= kept
    await page.context.set_offline(True)
    await page.reload()
    await expect(page.get_by_role("heading", name="Нет связи с секретарём")).to_be_visible()
    await page.context.set_offline(False)
    await page.reload()
    await expect(page.locator(".shell")).to_be_visible()


async def test_lost_connection_keeps_page_and_text(open_browser) -> None:
    user: BrowserUser = await open_browser()
    page, note = user.page, user.page.locator(".connection-note")
    await user.open_logged_in("chat")
    await page.evaluate("window.same = true")
    await page.locator(".composer textarea").fill("Начало вопроса")
    await page.context.set_offline(True)
    await expect(note).to_contain_text("Нет связи. Показано то, что было в")
    await page.locator(".composer textarea").press_sequentially(" и его конец")
    await page.context.set_offline(False)
    await expect(note).to_be_hidden()
    await expect(page.locator(".composer textarea")).to_have_value("Начало вопроса и его конец")
    assert await page.evaluate("window.same")


_PARTS = ("static", "components", "libraries", "esm")
