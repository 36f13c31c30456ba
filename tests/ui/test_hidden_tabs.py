"""A tab of the browser that nobody sees asks nothing of the office, and catches up when it is shown."""

import pytest
from nicegui import Client, ui
from playwright.async_api import Page, expect

from tests.ui.conftest import BrowserUser
from tests.ui.log_lines import record, write_log
from tests.unit.administration.fake_replicas import FollowedReplica
from tests.waiting import wait_until
from ui.panel import EXPIRY_CHECK_INTERVAL_S

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_SHOW_AS = """state => {
  Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
  Object.defineProperty(document, "hidden", {value: state === "hidden", configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def open_and_hide(user: BrowserUser, path: str) -> None:
    """Opens a page and hides the tab; returns when no timer of the page works any more."""
    await user.open_logged_in(path)
    client = Client.instances[await user.page.evaluate("window.clientId")]
    await wait_until(lambda: len(working_timers(client)) > 1, 15)  # that of the navigation, and those of the page
    await user.page.evaluate(_SHOW_AS, "hidden")
    await wait_until(lambda: not working_timers(client), 15)


def working_timers(client: Client) -> list[ui.timer]:
    """The timers of an open page, but for the one that closes it when its session has expired."""
    timers = [each for each in client.elements.values() if isinstance(each, ui.timer)]
    return [each for each in timers if each.active and each.interval != EXPIRY_CHECK_INTERVAL_S]


async def show(page: Page) -> None:
    await page.evaluate(_SHOW_AS, "visible")


async def test_hidden_tab_rests_and_catches_up(admin: BrowserUser) -> None:
    log = write_log(admin.server, "hidden.21.log", record(1))
    page = admin.page
    for path in ("keys", "voices", "llm", "start?step=safety"):
        await open_and_hide(admin, path)

    await open_and_hide(admin, "logs?file=hidden.21.log")
    with log.open("a") as file:
        file.write(record(2))
    await expect(page.locator(".logs-line")).to_have_count(1)
    await show(page)
    await expect(page.locator(".logs-line")).to_have_count(2)

    await open_and_hide(admin, "services")
    chat = page.locator(".services-card[data-service=chat]")
    async with FollowedReplica(admin.server.services.operations.replica_registry, "chat", "1"):
        await expect(chat.locator("[data-state=absent]")).to_be_visible()
        await show(page)
        await expect(chat.locator("[data-state=running]")).to_be_visible()
