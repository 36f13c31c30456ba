"""Personal data: find a person, export and erase what is stored, consents, and how long data is kept."""

from nicegui import html

from ui.components.page_parts import page_heading
from ui.context import PanelContext, keep_tab_open
from ui.tabs.privacy.consents import ConsentsCard
from ui.tabs.privacy.people import PeopleCard
from ui.tabs.privacy.retention import draw_retention
from ui.url_state import UrlState


async def show(panel: PanelContext) -> None:
    state, t = UrlState(panel), panel.t
    with html.div().classes("page privacy"):
        page_heading(t("privacy.title"), t("privacy.lead"))
        people = PeopleCard(panel, state)
        consents = ConsentsCard(panel, state)
        draw_retention(panel)
    people.on_erased = consents.refresh
    await people.refresh()
    await consents.refresh()
    async with keep_tab_open():
        pass
