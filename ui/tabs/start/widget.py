"""The widget of a website: made on the spot, seen as visitors will see it, with its line for the website."""

from nicegui import html, ui
from pydantic import ValidationError

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.chat.sessions import SessionFilter
from deployments.contracts.chat import SourceKind
from deployments.contracts.errors import SecretaryError
from deployments.contracts.instances import WidgetSpec
from ui.components.section import RedrawnSection
from ui.components.text_fields import TextInput
from ui.components.visible_timer import refresh_while_visible
from ui.public_address import public_address
from ui.tabs.start.step import StepContext
from ui.tabs.widget.preview import WidgetPreview
from ui.tabs.widget.snippet import draw_snippet
from ui.tabs.widget.widget_list import first_draft

_POLL_S = 2.0


async def draw(step: StepContext) -> None:
    t = step.panel.t
    with html.div().classes("start-stack"):
        html.div(t("widget.not_served")).classes("notice").props("role=note")
        content = html.div().classes("start-stack")
    widgets = await step.panel.services.office.widgets.list()
    if widgets:
        await _draw_widget(step, content, widgets[0])
    else:
        _draw_form(step, content)


def _draw_form(step: StepContext, content: html.div) -> None:
    panel, t = step.panel, step.panel.t

    async def create() -> None:
        try:
            by = panel.require_change(AdminResource.WIDGETS)
            spec = await panel.services.office.widgets.create(first_draft(t, str(name.value or "").strip()), by)
        except ValidationError:
            name.error = t("widget.name_bad")
        except SecretaryError as error:
            if error.param == "name":
                name.error = t("widget.name_bad")
            else:
                panel.toast_error(error)
        else:
            await _draw_widget(step, content, spec)

    with content, html.div().classes("start-row"):
        name = TextInput(t("widget.name")).props("outlined maxlength=100").classes("start-grow")
        name.props["hint"] = t("widget.name_hint")
        ui.button(t("widget.create"), icon="add", on_click=create).props("unelevated no-caps")


async def _draw_widget(step: StepContext, content: html.div, spec: WidgetSpec) -> None:
    panel, t = step.panel, step.panel.t
    address = await public_address(panel)
    content.clear()
    with content:
        html.h3(spec.name)
        WidgetPreview(panel).show(dict(spec), spec.primary_color)
        html.h3(t("widget.snippet"))
        draw_snippet(panel, spec, address)
        html.p(t("widget.snippet_hint")).classes("muted")
        visits: RedrawnSection[str] = RedrawnSection(
            html.div().props("role=status"), lambda text: html.p(text) and None
        )
        link = html.a(t("start.widget_open")).classes("text-link")
        link.props["href"] = f"{panel.root_path}/widget?widget={spec.id}"

    async def look() -> None:
        filters = SessionFilter(source=SourceKind.WIDGET.value, source_id=spec.id)
        sessions, _ = await panel.services.chats.page(panel.session.identity, filters, 1, 0)
        if sessions and sessions[0].message_count:
            visits.show(t("start.visitor_wrote", message=sessions[0].last_message))
            await step.done()
        else:
            visits.show(t("start.no_visitor"))

    await look()
    with content:
        refresh_while_visible(panel, look, _POLL_S)
