"""Telegram bots: a list of cards, and a page for each bot."""

from ui.components.list_and_item import ListAndItem
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext, keep_tab_open
from ui.revisions import follow_changes
from ui.tabs.telegram.bot_list import BotList
from ui.tabs.telegram.bot_page import BotPage


async def show(panel: PanelContext) -> None:
    page = ListAndItem(panel, "/telegram", "bot", BotList.open, BotPage.open)
    await page.open_address()
    async with keep_tab_open():
        refresh_while_visible(panel, page.refresh)
        follow_changes(panel, page.refresh)
