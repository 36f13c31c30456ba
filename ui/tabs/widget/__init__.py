"""Chat widgets of websites: a list, and a page for each with a live preview."""

from ui.components.list_and_item import ListAndItem
from ui.context import PanelContext, keep_tab_open
from ui.revisions import follow_changes
from ui.tabs.widget.widget_list import WidgetList
from ui.tabs.widget.widget_page import WidgetPage


async def show(panel: PanelContext) -> None:
    page = ListAndItem(panel, "/widget", "widget", WidgetList.open, WidgetPage.open)
    await page.open_address()
    async with keep_tab_open():
        follow_changes(panel, page.refresh)
