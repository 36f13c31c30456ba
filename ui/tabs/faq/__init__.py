"""FAQ entries: search, test, add, change, listen, import and export."""

from nicegui import html, ui

from ui.components.match_tester import MatchTester
from ui.components.page_parts import page_heading
from ui.components.speech_player import SpeechPlayer
from ui.components.spoken_text import SpokenText
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext, keep_tab_open
from ui.revisions import follow_changes
from ui.tabs.faq.editor import FaqEditor
from ui.tabs.faq.entries import FaqEntries
from ui.tabs.faq.export import export_menu
from ui.tabs.faq.filters import FaqFilterBar
from ui.tabs.faq.import_dialog import FaqImportDialog
from ui.url_state import UrlState


async def show(panel: PanelContext) -> None:
    url = UrlState(panel)
    tab = FaqTab(panel, url)
    await tab.entries.refresh()
    await tab.editor.open_named(url.get("edit"), url.get("question"))
    async with keep_tab_open():
        follow_changes(panel, tab.entries.refresh_if_changed_elsewhere)
        refresh_while_visible(panel, tab.entries.refresh_sounds)


class FaqTab:
    """The list with its filter, the editor and the import."""

    def __init__(self, panel: PanelContext, url: UrlState) -> None:
        t = panel.t
        player = SpeechPlayer(
            lambda speech_id: spoken.on_played(speech_id), lambda: panel.toast(t("chat.blocked"), "info")
        )
        spoken = SpokenText(panel, player)
        self.editor = FaqEditor(panel, url, on_saved=lambda: self.entries.refresh())
        with html.div().classes("faq"):
            with page_heading(t("faq.title")):
                export_menu(panel)
                if panel.faq.can_change:
                    importer = FaqImportDialog(panel, on_imported=lambda: self.entries.refresh())
                    ui.button(t("faq.import"), icon="upload", on_click=importer.open).props(
                        "outline no-caps aria-haspopup=dialog"
                    )
                    ui.button(t("faq.add"), icon="add", on_click=lambda: self.editor.open()).props(
                        "unelevated no-caps aria-haspopup=dialog"
                    )
            if panel.faq.can_change:
                MatchTester(panel)
            else:
                ui.label(t("faq.read_only")).classes("notice").props("role=note")
            filters = FaqFilterBar(panel, url, on_change=lambda: self.entries.refresh())
            self.entries = FaqEntries(panel, filters, self.editor, spoken)
