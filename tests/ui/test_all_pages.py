"""Every page of the navigation, its inner tabs, and what its buttons open: no serious violation of accessibility rules
(axe-core), nothing cut off, nothing that overlaps, nothing wider than the screen."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from nicegui import core

from tests.ui.conftest import PHONE, BrowserUser, OpenBrowser
from tests.ui.filled_office import filled_office
from tests.ui.page_walk import AT_ONCE, Look, Place, go_to, open_in_look, walk_page
from tests.ui.panel_replica import PanelReplica
from tests.ui.panel_server import PanelServer
from tests.ui.stored_chats import stored_chats
from ui.navigation import TABS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

HERE = Path(__file__).parent
AXE = (HERE / "axe" / "axe.min.js").read_text(encoding="utf-8")
LAYOUT_PROBLEMS = (HERE / "layout_problems.js").read_text(encoding="utf-8")
RUN_AXE = """async (root) => {
  const found = await axe.run(root.matches(".shell") ? document : root, {resultTypes: ["violations"]});
  return found.violations.filter((each) => ["serious", "critical"].includes(each.impact)).flatMap((each) =>
    each.nodes.slice(0, 4).map((node) => `${each.id}: ${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`));
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def _filled_office(session_panel_server: PanelServer) -> AsyncIterator[None]:
    await session_panel_server.report_hour_of_traffic()
    server = session_panel_server
    async with filled_office(server), stored_chats(server), PanelReplica(server.services.operations):
        yield


@pytest.fixture(autouse=True)
def _page_may_be_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """axe-core blocks a page for longer than a ping may usually take."""
    monkeypatch.setattr(core.sio.eio, "ping_timeout", 120)


@pytest.mark.parametrize(
    "look",
    [Look("light", "en"), Look("dark", "ru", PHONE), pytest.param(Look("contrast", "ru"), marks=pytest.mark.long)],
    ids=str,
)
async def test_pages_are_accessible_and_complete(open_browser: OpenBrowser, look: Look) -> None:
    user = await _open(open_browser, look)
    problems: list[str] = []
    for tab in TABS:
        await go_to(user.page, user.server, tab.path)
        problems += await _problems(Place(tab.path, user.page.locator(".shell")))
    assert not problems, "\n".join(problems)
    assert user.page_errors == []


_LOOKS = [
    Look("dark", "ru", PHONE),
    Look("light", "ru"),
    Look("dark", "en"),
    Look("contrast", "en", PHONE),
    Look("light", "en", PHONE),
]


@pytest.mark.long
@pytest.mark.parametrize("look", _LOOKS, ids=str)
async def test_tabs_and_dialogs_are_accessible_and_complete(open_browser: OpenBrowser, look: Look) -> None:
    """Buttons that open something are found by their ``aria-haspopup``; other tests of the panel fail without it."""
    user = await _open(open_browser, look)
    problems: list[str] = []
    for tab in TABS:
        async for place in walk_page(user.page, user.server, tab):
            problems += await _problems(place)
    assert not problems, "\n".join(problems)
    assert user.page_errors == []


async def _open(open_browser: OpenBrowser, look: Look) -> BrowserUser:
    user = await open_in_look(open_browser, look)
    await user.open_logged_in()
    await user.page.add_style_tag(content=AT_ONCE)
    await user.page.evaluate(AXE)
    return user


async def _problems(place: Place) -> list[str]:
    found = await place.root.evaluate(RUN_AXE) + await place.root.evaluate(LAYOUT_PROBLEMS)
    return [f"{place.name}: {problem}" for problem in found]
