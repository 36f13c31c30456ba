"""The history of one setting: who changed it when, from what to what."""

import orjson
from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.settings.history import SettingChange
from deployments.contracts.errors import SecretaryError
from ui.components.form_fields import format_value
from ui.components.section import draw_empty_state
from ui.context import PanelContext
from ui.formatting import format_moment
from ui.translations import Translator


class HistoryDialog:
    """Built when it is opened. Only for users who may read the audit log."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel

    async def open(self, path: str, label: str) -> None:
        panel = self._panel
        try:
            panel.require_read(AdminResource.AUDIT)
            changes = await panel.services.office.settings_history.of_field(path)
        except SecretaryError as error:
            panel.toast_error(error)
            return
        with panel.client, ui.dialog() as dialog, ui.card().classes("dialog").props("role=dialog") as box:
            title = panel.t("settings.history_of", name=label)
            box.props["aria-label"] = title
            dialog.props["aria-label"] = title
            html.h2(title).classes("dialog-title")
            _draw_changes(changes, panel)
            with html.div().classes("dialog-actions"):
                ui.button(panel.t("common.close"), on_click=dialog.close).props("flat no-caps autofocus")
        dialog.on("hide", dialog.delete)
        dialog.open()


def _draw_changes(changes: tuple[SettingChange, ...], panel: PanelContext) -> None:
    t = panel.t
    if not changes:
        draw_empty_state("history", t("settings.history_empty"))
        return
    columns = [
        {"name": name, "label": t(f"settings.history_{name}"), "field": name, "align": "left"}
        for name in ("when", "who", "old", "new")
    ]
    rows = [
        {
            "id": index,
            "when": format_moment(change.at, panel.time_zone, t),
            "who": change.by,
            "old": _value(change.old, t),
            "new": _value(change.new, t),
        }
        for index, change in enumerate(changes)
    ]
    ui.table(rows=rows, columns=columns, row_key="id", pagination=10).props("flat dense wrap-cells")


def _value(text: str, t: Translator) -> str:
    """A value of the audit log in words; a cut one as it is."""
    try:
        return format_value(orjson.loads(text), t)
    except orjson.JSONDecodeError:
        return text
