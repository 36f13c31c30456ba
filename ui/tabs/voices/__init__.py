"""The voices: which there are, how they sound, and what the secretary hears."""

from nicegui import html

from deployments.administration.auth.permissions import AdminResource
from ui.components.page_parts import page_heading, read_only_note
from ui.components.sub_tabs import SubTab, SubTabs
from ui.context import PanelContext, keep_tab_open
from ui.tabs.voices.cloned import draw_cloned
from ui.tabs.voices.dictionary import draw_dictionary
from ui.tabs.voices.hearing import draw_hearing
from ui.tabs.voices.presets import draw_presets
from ui.tabs.voices.ready import draw_ready
from ui.tabs.voices.voice_list import draw_voice_list
from ui.url_state import UrlState


async def show(panel: PanelContext) -> None:
    t, url = panel.t, UrlState(panel)
    tabs = {
        "list": SubTab(t("voices.tab_list"), "record_voice_over", lambda: draw_voice_list(panel, url)),
        "presets": SubTab(t("voices.tab_presets"), "tune", lambda: draw_presets(panel)),
        "cloned": SubTab(t("voices.tab_cloned"), "person_add", lambda: draw_cloned(panel)),
        "words": SubTab(t("voices.tab_words"), "spellcheck", lambda: draw_dictionary(panel, url)),
        "ready": SubTab(t("voices.tab_ready"), "graphic_eq", lambda: draw_ready(panel, url)),
        "hearing": SubTab(t("voices.tab_hearing"), "hearing", lambda: draw_hearing(panel)),
    }
    if not panel.can_read(AdminResource.CLONED_VOICES):
        del tabs["cloned"]
    with html.div().classes("page voices"):
        page_heading(t("voices.title"), t("voices.lead"))
        read_only_note(panel, AdminResource.VOICES)
        await SubTabs(panel, url, tabs, t("voices.title")).show()
    async with keep_tab_open():
        pass
