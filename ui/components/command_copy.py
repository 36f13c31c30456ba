"""A command for the terminal, with a button that copies it."""

from nicegui import html, ui

from ui.context import PanelContext


def draw_command(panel: PanelContext, command: str) -> None:
    t = panel.t

    def copy() -> None:
        ui.clipboard.write(command)
        panel.toast(t("common.copied"))

    with html.div().classes("remedy"):
        html.code(command).props("tabindex=0")  # scrolls by the keyboard
        with html.button(type="button").classes("icon-button small").on("click", copy) as button:
            ui.icon("content_copy")
        button.props["aria-label"] = t("common.copy_command")
