"""Lines of code with a button that copies them."""

from nicegui import html

from ui.components.copy_button import copy_button
from ui.context import PanelContext


def code_block(panel: PanelContext, code: str, label: str) -> None:
    """``label`` names the code for people who hear the page."""
    with html.div().classes("code-block"):
        with html.pre().props("tabindex=0") as block:
            html.code(code)
        block.props["aria-label"] = label
        copy_button(panel, code)
