"""A question before something is lost."""

from nicegui import Client, html, ui


async def ask_confirmation(client: Client, title: str, text: str, yes: str, no: str) -> bool:
    """Asks in a dialog of the whole page; Escape and a click beside it mean no."""
    with client, ui.dialog() as dialog, ui.card().classes("dialog dialog-small").props("role=alertdialog"):
        html.h2(title).classes("dialog-title")
        ui.label(text).classes("dialog-text")
        with html.div().classes("dialog-actions"):
            ui.button(no, on_click=lambda: dialog.submit(False)).props("flat no-caps autofocus")
            ui.button(yes, on_click=lambda: dialog.submit(True), color="negative").props("unelevated no-caps")
    try:
        return bool(await dialog)
    finally:
        dialog.delete()
