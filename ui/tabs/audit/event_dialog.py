"""One event in full, with old and new values side by side."""

from nicegui import html, ui

from deployments.administration.audit.audit_log import AuditRecord
from ui.components.page_parts import fact
from ui.context import PanelContext
from ui.formatting import format_moment
from ui.tabs.audit.words import EventDetail, action_text, object_text, parse_detail, person_text


def open_event(panel: PanelContext, record: AuditRecord) -> None:
    t, event = panel.t, record.event
    with panel.client, ui.dialog() as dialog, ui.card().classes("dialog audit-dialog"):
        title = f"{action_text(event.action, t)}: {object_text(event.resource, t)}"
        dialog.props["aria-label"] = title
        html.h2(title[:1].upper() + title[1:]).classes("dialog-title")
        with html.dl().classes("audit-facts"):
            fact(t("audit.when"), format_moment(event.at, panel.time_zone, t, seconds=True) if event.at else "")
            fact(t("audit.who"), person_text(event.username, t))
            if event.resource_id:
                fact(t("audit.object"), event.resource_id)
            if event.address:
                fact(t("audit.address"), event.address)
            fact(t("audit.number"), str(record.id))
        _draw_detail(panel, parse_detail(event.action, event.detail, t))
        with html.div().classes("dialog-actions"):
            ui.button(t("common.close"), on_click=dialog.close).props("flat no-caps autofocus")
    dialog.on("hide", dialog.delete)
    dialog.open()


def _draw_detail(panel: PanelContext, detail: EventDetail) -> None:
    t = panel.t
    if detail.values:
        with html.div().classes("audit-values"), html.table():
            with html.thead(), html.tr():
                for name in (t("audit.field"), t("audit.before"), t("audit.after")):
                    html.th(name).props("scope=col")
            with html.tbody():
                for change in detail.values:
                    with html.tr():
                        html.th(change.field).props("scope=row")
                        html.td(change.before).classes("audit-before")
                        html.td(change.after).classes("audit-after")
    if detail.fields:
        html.p(t("audit.changed_fields", fields=", ".join(detail.fields)))
        html.p(t("audit.values_not_kept")).classes("muted")
    if detail.text:
        html.p(detail.text).classes("audit-text")
