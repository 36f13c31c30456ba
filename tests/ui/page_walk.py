"""Walks the pages of the panel, their inner tabs and their dialogs in one browser page, without loading it again."""

from typing import NamedTuple

from playwright.async_api import Locator, Page, expect

from tests.ui.conftest import DESKTOP, PHONE, BrowserUser, OpenBrowser
from tests.ui.panel_server import PanelServer
from ui.translations import Translator

STILL = """document.getAnimations().every((each) =>
  each.playState !== "running" || each.effect.getTiming().iterations === Infinity)"""

INNER_TABS = {
    "llm": ("llm.providers", "llm.chains", "llm.personas", "llm.parameters"),
    "voices": ("voices.tab_presets", "voices.tab_cloned", "voices.tab_words", "voices.tab_ready", "voices.tab_hearing"),
    "telegram": (
        ".telegram-open >> nth=0",
        "telegram.part_texts",
        "telegram.part_access",
        "telegram.part_keyboard",
        "telegram.part_answers",
        "telegram.part_connection",
    ),
    "widget": (".widget-open",),
    "conversations": (".talks-row >> nth=-1",),
}
"""What leads to the inner tabs of a page, in this order: names of tabs, or selectors of links."""

DIALOGS = {
    "home": (".palette-button",),
    "chat": ("chat.settings", "chat.delete"),
    "faq": ("faq.add", "faq.import", "faq.delete_of"),
    "llm": ("llm.choose_model",),
    "llm.providers": ("provider.add", "common.delete"),
    "llm.chains": ("chain.add",),
    "llm.personas": ("common.edit",),
    "voices": ("voices.edit_of",),
    "voices.tab_presets": ("voices.preset_add",),
    "voices.tab_cloned": ("voices.consent_add",),
    "telegram": ("telegram.add",),
    "telegram.part_connection": ("telegram.delete",),
    "widget": ("widget.add",),
    "keys": ("keys.create", "keys.edit_of", "keys.revoke_of"),
    "services": ("services.action.stop",),
    "monitoring": ("monitoring.reset",),
    "audit": ("audit.open", "audit.clean_up"),
    "settings": ("settings.history", "transfer.import"),
    "users": ("users.invite", "users.actions_of"),
    "privacy": ("privacy.consent_add",),
}
"""The dialogs and menus of a page or of an inner tab: the beginnings of the names of their buttons, or selectors."""


class Look(NamedTuple):
    """How the panel is shown."""

    theme: str
    language: str
    size: tuple[int, int] = DESKTOP

    def __str__(self) -> str:
        return f"{'phone' if self.size == PHONE else 'desktop'}-{self.theme}-{self.language}"


async def open_in_look(open_browser: OpenBrowser, look: Look) -> BrowserUser:
    """A browser with the cookies of ``look``."""
    user: BrowserUser = await open_browser(look.size, locale=look.language, bypass_csp=True)
    chosen = {"secretary_theme": look.theme, "secretary_language": look.language}
    await user.page.context.add_cookies(
        [{"name": name, "value": value, "url": user.server.url} for name, value in chosen.items()]
    )
    return user


async def go_to(page: Page, server: PanelServer, path: str) -> None:
    """Opens a page and waits until its content has come and stands still."""
    await page.evaluate("(path) => emitEvent('sub_pages_navigate', path)", path)
    await expect(page).to_have_url(server.url + path.removeprefix("/"))
    await expect(page.locator(".shell-main h1").first).to_be_attached()
    await wait_until_still(page)
    await expect(page.locator(".q-dialog")).to_have_count(0)


async def wait_until_still(page: Page) -> None:
    await expect(page.locator(".shell-main .skeleton:visible")).to_have_count(0)
    await page.wait_for_function(STILL)


async def open_inner_tab(page: Page, t: Translator, tab: str) -> None:
    """Opens one of INNER_TABS."""
    if tab.startswith("."):
        await page.locator(tab).click()
        await expect(page.locator(".shell-main")).to_contain_class("shell-main")
    else:
        chosen = page.get_by_role("tab", name=t(tab), exact=True)
        await chosen.click()
        await expect(chosen).to_have_attribute("aria-selected", "true")
    await wait_until_still(page)


async def open_dialog(page: Page, t: Translator, button: str) -> Locator:
    """Opens one of DIALOGS and returns it."""
    if button.startswith("."):
        await page.locator(button).click()
    else:
        name = t(button).partition("{")[0].strip()
        await page.locator(".shell-main").get_by_role("button", name=name).first.click()
    dialog = page.locator(".q-dialog, .q-menu").last
    await expect(dialog).to_be_visible()
    await page.wait_for_function(STILL)
    return dialog


async def close_dialog(page: Page) -> None:
    """Closes what ``open_dialog`` has opened, by its first button or Escape."""
    cancel = page.locator(".q-dialog .dialog-actions button")
    if await cancel.count():
        await cancel.first.click()
    else:
        await page.keyboard.press("Escape")
    await expect(page.locator(".q-dialog, .q-menu")).to_have_count(0)
