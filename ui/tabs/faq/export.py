"""Export of all FAQ entries as a file."""

import asyncio

from nicegui import ui

from deployments.administration.faq.files import entries_to_csv, entries_to_json
from deployments.contracts.errors import SecretaryError
from ui.context import PanelContext


def export_menu(panel: PanelContext) -> None:
    """A button with one entry for each kind of file."""

    async def download(kind: str) -> None:
        try:
            entries = await panel.faq.all()
        except SecretaryError as error:
            panel.toast_error(error)
            return
        content = await asyncio.to_thread(entries_to_csv if kind == "csv" else entries_to_json, entries)
        ui.download.content(content, f"faq.{kind}")

    t = panel.t
    button = ui.button(t("faq.export"), icon="download").props("outline no-caps aria-haspopup=menu")
    with button, ui.menu().classes("menu"):
        ui.menu_item(t("faq.export_csv"), on_click=lambda: download("csv")).props("role=menuitem")
        ui.menu_item(t("faq.export_json"), on_click=lambda: download("json")).props("role=menuitem")
