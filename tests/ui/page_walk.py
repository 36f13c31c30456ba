"""Walks the pages of the panel, their inner tabs and what their buttons open, in a browser page that is loaded once."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from playwright.async_api import ElementHandle, Locator, Page, expect

from tests.ui.conftest import DESKTOP, PHONE, BrowserUser, OpenBrowser
from tests.ui.panel_server import PanelServer
from ui.navigation import PanelTab

STILL = """document.getAnimations().every((each) =>
  each.playState !== "running" || each.effect.getTiming().iterations === Infinity)"""
AT_ONCE = "*, *::before, *::after { transition-duration: 0s !important; animation-duration: 0s !important }"
ITEMS = {"telegram": ".telegram-open", "widget": ".widget-open", "conversations": ".talks-row"}
"""The links of a list that open the page of one item, by the module of the page."""

_POPUP = ".q-dialog:has(.q-dialog__inner), .q-menu"
_ATTEMPTS = 3
_INNER = ".shell-main [role=tab], .shell-main .start-toggle"
_OPENED = "[aria-selected=true], [aria-expanded=true]"
_BUTTONS = (Path(__file__).parent / "popup_buttons.js").read_text(encoding="utf-8")


class Look(NamedTuple):
    """How the panel is shown."""

    theme: str
    language: str
    size: tuple[int, int] = DESKTOP

    def __str__(self) -> str:
        return f"{'phone' if self.size == PHONE else 'desktop'}-{self.theme}-{self.language}"


class Place(NamedTuple):
    """What is shown: a page, one of its tabs, or a dialog or menu. ``name`` says how to get there."""

    name: str
    root: Locator


async def open_in_look(open_browser: OpenBrowser, look: Look) -> BrowserUser:
    """A browser with the cookies of ``look``."""
    user: BrowserUser = await open_browser(look.size, locale=look.language, bypass_csp=True)
    chosen = {"secretary_theme": look.theme, "secretary_language": look.language}
    await user.page.context.add_cookies(
        [{"name": name, "value": value, "url": user.server.url} for name, value in chosen.items()]
    )
    return user


async def go_to(page: Page, server: PanelServer, path: str) -> None:
    """Opens a page without a load of the document, scrolls to its end, and waits until it stands still."""
    await page.wait_for_function("window.socket.connected")
    await page.evaluate("(path) => emitEvent('sub_pages_navigate', path)", path)
    await expect(page).to_have_url(server.url + path.removeprefix("/"))
    await expect(page.locator(".shell-main h1").first).to_be_attached()
    await _wait_until_still(page)
    await expect(page.locator(".q-dialog")).to_have_count(0)
    await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    await page.wait_for_function(STILL)
    await page.evaluate("scrollTo(0, 0)")


async def walk_page(page: Page, server: PanelServer, tab: PanelTab) -> AsyncIterator[Place]:
    """The page of ``tab``, its inner tabs, the page of one item with its tabs, and in each what its buttons open."""
    await go_to(page, server, tab.path)
    async for place in _walk_inner(page, tab.path):
        yield place
    if tab.module in ITEMS:
        await page.locator(ITEMS[tab.module]).first.click()
        await expect(page).to_have_url(re.compile(r"\?"))
        await expect(page.locator(ITEMS[tab.module])).to_have_count(0)
        await _wait_until_still(page)
        async for place in _walk_inner(page, f"{tab.path}?"):
            yield place


async def _walk_inner(page: Page, name: str) -> AsyncIterator[Place]:
    shell, main = page.locator(".shell"), page.locator(".shell-main")
    own_popups = not name.startswith("/start")  # its steps are made of parts of other pages
    yield Place(name, shell)
    if own_popups:
        async for place in _walk_popups(page, name, shell if name == "/" else main):  # the header is on each page
            yield place
    inner, opened = page.locator(_INNER), page.locator(f":is({_INNER}):is({_OPENED})")
    walked = set(await _titles(opened))
    while rest := [each for each in await _titles(inner) if each not in walked]:
        title = rest[0]
        walked.add(title)
        await inner.nth((await _titles(inner)).index(title)).click()
        await expect(opened.filter(has_text=title)).not_to_have_count(0)
        await _wait_until_still(page)
        inside = f"{name} {title}"
        yield Place(inside, shell)
        if own_popups:
            async for place in _walk_popups(page, inside, main):
                yield place


async def _titles(inner: Locator) -> list[str]:
    """The texts without icons and numbers before them."""
    return [text.splitlines()[-1] for text in await inner.all_inner_texts()]


async def _walk_popups(page: Page, name: str, root: Locator, path: tuple[str, ...] = ()) -> AsyncIterator[Place]:
    """``path``: the kinds of the buttons that are clicked one after another before."""
    opened = await _open_popups(page, root, path)
    if path:
        name = f"{name} → {path[-1].partition(' | ')[0]}"
        yield Place(name, opened)
    for kind in await opened.evaluate(_BUTTONS):
        async for place in _walk_popups(page, name, root, (*path, kind)):
            yield place
    await _close_popups(page)


async def _open_popups(page: Page, root: Locator, path: tuple[str, ...]) -> Locator:
    """Returns the last one, or ``root`` without any."""
    await _close_popups(page)
    shown = root
    for kind in path:
        button = await _find_button(shown, kind)
        await page.evaluate(f"document.querySelectorAll('{_POPUP}').forEach((each) => each.dataset.before = '')")
        await button.click()
        shown = page.locator(f":is({_POPUP}):not([data-before])").last
        await expect(shown, f"nothing was opened by {kind}").to_be_visible()
        await _wait_until_still(page)
    return shown


async def _find_button(root: Locator, kind: str) -> ElementHandle:
    """A menu that is being placed hides its buttons."""
    arguments = [await root.element_handle(), kind]
    found = await root.page.wait_for_function(f"([root, kind]) => ({_BUTTONS})(root, kind)", arg=arguments)
    button = found.as_element()
    assert button is not None, f"gone: {kind}"
    return button


async def _close_popups(page: Page) -> None:
    """Cancels or escapes one after another. A dialog that is being drawn again may miss the first click."""
    popups, attempts = page.locator(_POPUP), 0
    while count := await popups.count():
        cancel = popups.last.locator(".dialog-actions").last.locator("button")
        if await cancel.count():
            await cancel.first.click()
        else:
            await page.keyboard.press("Escape")
        try:
            await expect(popups).not_to_have_count(count, timeout=5_000)
        except AssertionError:
            attempts += 1
            assert attempts < _ATTEMPTS, f"does not close: {await popups.last.inner_text()}"


async def _wait_until_still(page: Page) -> None:
    await expect(page.locator(".shell-main .skeleton:visible")).to_have_count(0)
    await page.wait_for_function(STILL)
