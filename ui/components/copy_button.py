"""A button that copies a text. It works without TLS too, where browsers have no clipboard API."""

import json

from nicegui import html, ui

from ui.context import PanelContext

_COPY = """async (event) => {
  const text = %s, place = event.currentTarget.parentElement;
  try { await navigator.clipboard.writeText(text); }
  catch {
    const area = document.createElement("textarea");
    area.value = text;
    place.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  emit();
}"""


def copy_button(panel: PanelContext, text: str, label: str = "") -> html.button:
    """``label`` is read aloud and shown as a tooltip."""
    with html.button(type="button").classes("icon-button small copy-button") as button:
        ui.icon("content_copy").props("aria-hidden=true")
        ui.tooltip(name := label or panel.t("common.copy"))
    button.on("click", lambda: panel.toast(panel.t("common.copied")), js_handler=_COPY % json.dumps(text))
    button.props["aria-label"] = name
    return button
