"""The widget as a visitor of the website would see it: the button and the open chat window."""

from typing import Any

from nicegui import html, ui

from ui.context import PanelContext
from ui.contrast import WHITE

_DEFAULT_COLOUR = "#6366f1"


class WidgetPreview:
    """``show`` draws values of the form. A picture of a page, so it takes no input."""

    def __init__(self, panel: PanelContext) -> None:
        t = panel.t
        with html.div().classes("widget-preview").props("role=img") as self._page:
            with html.div().classes("widget-site").props("aria-hidden=true"):
                for width in (55, 90, 80, 85, 40):
                    html.div().classes("widget-site-line").style(f"width: {width}%")
            with html.div().classes("widget-window").props("aria-hidden=true"):
                with html.div().classes("widget-head"):
                    self._title = ui.label().classes("widget-title")
                    ui.icon("close")
                with html.div().classes("widget-messages"):
                    self._greeting = ui.label().classes("widget-bubble")
                    html.div(t("widget.sample_question")).classes("widget-bubble widget-mine")
                with html.div().classes("widget-field"):
                    self._placeholder = ui.label()
                    ui.icon("send")
            with html.div().classes("widget-button").props("aria-hidden=true"):
                ui.icon("chat")
        self._page.props["aria-label"] = t("widget.preview")

    def show(self, values: dict[str, Any], colour: str) -> None:
        """``colour`` is valid; the other values are as typed."""
        self._title.text = str(values["title"] or "")
        self._greeting.text = str(values["greeting"] or "")
        self._placeholder.text = str(values["placeholder"] or "")
        self._page.style(f"--widget-colour: {colour or _DEFAULT_COLOUR}; --widget-letters: {WHITE}")
        left = values["position"] == "left"
        self._page.classes("widget-left" if left else "", remove="" if left else "widget-left")
