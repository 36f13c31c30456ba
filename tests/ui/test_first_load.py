"""What the first load of the panel sends, and the icon font that makes it small."""

import pytest
from nicegui import __version__

from tests.ui.conftest import BrowserUser, OpenBrowser
from tests.ui.make_icon_font import WHOLE, words_of_code

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MAX_BYTES, MAX_REQUESTS = 500_000, 25
MISSING_ICONS = """async ([whole, part, words]) => {
  const signs = document.createElement("canvas").getContext("2d");
  const load = async (family, address) => document.fonts.add(await new FontFace(family, `url(${address})`).load());
  await Promise.all([load("Whole", whole), load("Part", part)]);
  const width = (family, word) => {
    signs.font = `100px ${family}`;
    return signs.measureText(word).width;
  };
  return words.filter((word) => width("Whole", word) === 100 && width("Part", word) !== 100);
}"""


async def test_first_load_is_small(open_browser: OpenBrowser) -> None:
    user: BrowserUser = await open_browser(locale="ru-RU")
    network = await user.page.context.new_cdp_session(user.page)
    await network.send("Network.enable")
    sent: list[float] = []
    network.on("Network.loadingFinished", lambda event: sent.append(event["encodedDataLength"]))
    await user.open_logged_in()
    await user.page.wait_for_load_state("networkidle")
    assert sum(sent) < MAX_BYTES
    assert 10 < len(sent) <= MAX_REQUESTS
    lasting = "performance.getEntriesByType('resource').filter((each) => each.transferSize).map((each) => each.name)"
    await user.page.reload()
    await user.page.wait_for_load_state("networkidle")
    fetched_again = await user.page.evaluate(lasting)
    assert fetched_again == []
    assert user.page_errors == []


async def test_icon_font_has_all_icons(admin: BrowserUser) -> None:
    await admin.open_logged_in("users")
    whole = f"{admin.server.url}_nicegui/{__version__}/static/fonts/{WHOLE.name}"
    part = f"{admin.server.url}assets/fonts/material-icons.woff2"
    missing = await admin.page.evaluate(MISSING_ICONS, [whole, part, sorted(words_of_code())])
    assert missing == [], "run: python -m tests.ui.make_icon_font"
