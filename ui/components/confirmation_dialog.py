"""A dialog that asks for confirmation."""

from nicegui import Client, html, ui

from ui.components.text_fields import TextInput
from ui.context import PanelContext


async def ask_confirmation(client: Client, title: str, text: str, yes: str, no: str) -> bool:
    """Opens a modal dialog. Returns False on Escape and on a click outside."""
    with client, ui.dialog() as dialog, ui.card().classes("dialog dialog-small").props("role=alertdialog") as box:
        box.props["aria-label"] = title
        dialog.props["aria-label"] = title
        html.h2(title).classes("dialog-title")
        ui.label(text).classes("dialog-text")
        with html.div().classes("dialog-actions"):
            ui.button(no, on_click=lambda: dialog.submit(False)).props("flat no-caps autofocus")
            ui.button(yes, on_click=lambda: dialog.submit(True), color="negative").props("unelevated no-caps")
    try:
        return bool(await dialog)
    finally:
        dialog.delete()


async def ask_typed_confirmation(panel: PanelContext, title: str, text: str, word: str, yes: str) -> bool:
    """Like ``ask_confirmation``, for what cannot be undone: ``word`` must be typed."""
    t = panel.t
    with panel.client, ui.dialog() as dialog, ui.card().classes("dialog dialog-small").props("role=alertdialog") as box:
        box.props["aria-label"] = title
        dialog.props["aria-label"] = title
        html.h2(title).classes("dialog-title")
        ui.label(text).classes("dialog-text")
        typed = TextInput(t("common.type_to_confirm", word=word)).props("outlined autocomplete=off autofocus")
        with html.div().classes("dialog-actions"):
            ui.button(t("common.cancel"), on_click=lambda: dialog.submit(False)).props("flat no-caps")
            confirm = ui.button(yes, on_click=lambda: dialog.submit(True), color="negative").props("unelevated no-caps")
        confirm.bind_enabled_from(typed, "value", lambda value: (value or "").strip() == word)
    try:
        return bool(await dialog)
    finally:
        dialog.delete()
