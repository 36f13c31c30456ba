"""The voices: which there are, how they sound, and what the secretary hears."""

from nicegui import html

from deployments.administration.auth.permissions import AdminResource
from ui.components.page_parts import page_heading, read_only_note
from ui.components.sub_tabs import SubTab, SubTabs
from ui.context import PanelContext, keep_tab_open
from ui.tabs.voices.voice_list import draw_voice_list
from ui.url_state import UrlState


async def show(panel: PanelContext) -> None:
    t, url = panel.t, UrlState(panel)
    with html.div().classes("page voices"):
        page_heading(t("voices.title"), t("voices.lead"))
        read_only_note(panel, AdminResource.VOICES)
        tabs = {"list": SubTab(t("voices.tab_list"), "record_voice_over", lambda: draw_voice_list(panel, url))}
        sections = SubTabs(panel, url, tabs, t("voices.title"))
        await sections.show()
    async with keep_tab_open():
        pass
