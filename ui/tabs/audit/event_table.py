"""One page of events as a table; on a small screen each event is a block."""

from nicegui import html, ui

from deployments.administration.audit.audit_log import AuditRecord
from ui.components.page_parts import icon_button, pill
from ui.components.section import KeyedList
from ui.context import PanelContext
from ui.formatting import format_moment
from ui.tabs.audit.event_dialog import open_event
from ui.tabs.audit.words import action_text, object_text, person_text


class EventTable:
    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._zone = panel.time_zone
        t = panel.t
        with html.table().classes("audit-table") as self._table:
            with html.thead(), html.tr():
                for name in (t("audit.when"), t("audit.who"), t("audit.what"), t("audit.object"), t("audit.more")):
                    html.th(name).props("scope=col")
            body = html.tbody()
        self._rows: KeyedList[AuditRecord] = KeyedList(body, self._draw_row)

    def show(self, records: tuple[AuditRecord, ...]) -> None:
        self._table.set_visibility(bool(records))
        self._rows.show(records)

    def _draw_row(self, record: AuditRecord) -> ui.element:
        t, event = self._panel.t, record.event
        with html.tr() as row:
            html.td(format_moment(event.at, self._zone, t) if event.at else "").classes("audit-when")
            html.td(person_text(event.username, t)).classes("audit-who")
            with html.td().classes("audit-what"):
                failed = "failed" in event.action or event.action == "refresh_reused"
                pill(action_text(event.action, t), "bad" if failed else "plain")
            with html.td().classes("audit-object"):
                html.span(object_text(event.resource, t))
                if event.resource_id:
                    html.span(event.resource_id).classes("muted")
            with html.td().classes("audit-more"):
                label = t("audit.open", number=record.id)
                icon_button("chevron_right", label, lambda: open_event(self._panel, record)).props(
                    "aria-haspopup=dialog"
                )
        row.props["data-event"] = record.id
        element: ui.element = row
        return element
