"""The dialog that adds a bot."""

from urllib.parse import quote

from nicegui import html, ui

from deployments.contracts.instances import BotSpec
from ui.context import PanelContext
from ui.tabs.telegram.creation_form import BotCreationForm


class CreationDialog:
    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel

    def open(self) -> None:
        t = self._panel.t
        with self._panel.client, ui.dialog() as self._dialog, ui.card().classes("dialog") as card:
            self._dialog.props("persistent")
            card.props('role=dialog aria-modal="true"').props["aria-label"] = t("telegram.add")
            self._dialog.props["aria-label"] = t("telegram.add")
            html.h2(t("telegram.add")).classes("dialog-title")
            html.p(t("telegram.add_hint")).classes("muted")
            form = BotCreationForm(self._panel, self._created)
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=self._dialog.close).props("flat no-caps")
                form.draw_buttons()
        self._dialog.on("hide", self._dialog.delete)
        self._dialog.open()

    async def _created(self, spec: BotSpec) -> None:
        self._dialog.close()
        self._panel.toast(self._panel.t("telegram.added"))
        with self._panel.client:
            ui.navigate.to(f"/telegram?bot={quote(spec.id)}")
