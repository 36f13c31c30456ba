"""The widgets as cards."""

from typing import Self
from urllib.parse import quote

from nicegui import html, ui
from pydantic import ValidationError

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.widgets.service import WidgetDraft
from deployments.contracts.errors import SecretaryError
from deployments.contracts.instances import WidgetSpec
from ui.components.page_parts import curl_line, page_heading, pill, read_only_note
from ui.components.section import KeyedList, RedrawnSection, draw_empty_state
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.translations import Translator


def first_draft(t: Translator, name: str) -> WidgetDraft:
    """A new widget in the language of the user. Raises ValidationError for a name that does not fit."""
    return WidgetDraft(
        name=name,
        language=t.language,
        placeholder=t("widget.default_placeholder"),
        primary_color="#0b7a72",
        title=t("widget.default_title"),
        greeting=t("widget.default_greeting"),
    )


class WidgetList:
    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        t = panel.t
        with page_heading(t("widget.title"), t("widget.lead")):
            if panel.can_change(AdminResource.WIDGETS):
                ui.button(t("widget.add"), icon="add", on_click=self._ask_name).props(
                    "unelevated no-caps aria-haspopup=dialog"
                )
        html.div(t("widget.not_served")).classes("notice").props("role=note")
        read_only_note(panel, AdminResource.WIDGETS)
        cards = html.div().classes("cards").props(f'role=list aria-label="{t("widget.title")}"')
        self._cards: KeyedList[WidgetSpec] = KeyedList(cards, self._draw)
        self._note: RedrawnSection[bool] = RedrawnSection(html.div(), self._draw_note)
        curl_line(panel, "GET", "/widget/instances")

    @classmethod
    async def open(cls, panel: PanelContext) -> Self:
        found = cls(panel)
        await found.refresh()
        return found

    async def refresh(self) -> None:
        try:
            self._panel.require_read(AdminResource.WIDGETS)
            widgets = await self._panel.services.office.widgets.list()
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._cards.show(widgets)
        self._note.show(not widgets)

    def _draw(self, spec: WidgetSpec) -> ui.element:
        t = self._panel.t
        with html.article().classes("card widget-card").props("role=listitem") as article:
            with html.h2():
                html.span().classes("widget-dot").style(f"background: {spec.primary_color}").props("aria-hidden=true")
                link = html.a(spec.name).classes("widget-open")
                link.props["href"] = f"{self._panel.root_path}/widget?widget={quote(spec.id)}"
            pill(t("widget.on" if spec.enabled else "widget.off"), "good" if spec.enabled else "plain")
            html.p(", ".join(spec.allowed_domains[:3]) or t("widget.no_domains")).classes("muted widget-domains")
        element: ui.element = article
        return element

    def _draw_note(self, empty: bool) -> None:
        if empty:
            draw_empty_state("web", self._panel.t("widget.empty"), self._panel.t("widget.empty_hint"))

    def _ask_name(self) -> None:
        t = self._panel.t
        with self._panel.client, ui.dialog() as dialog, ui.card().classes("dialog dialog-small") as card:
            card.props('role=dialog aria-modal="true"').props["aria-label"] = t("widget.add")
            dialog.props["aria-label"] = t("widget.add")
            html.h2(t("widget.add")).classes("dialog-title")
            name = TextInput(t("widget.name")).props("outlined dense autofocus maxlength=100")
            name.props["hint"] = t("widget.name_hint")

            async def create() -> None:
                await self._create(name, dialog)

            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=dialog.close).props("flat no-caps")
                ui.button(t("widget.create"), on_click=create).props("unelevated no-caps")
        dialog.on("hide", dialog.delete)
        dialog.open()

    async def _create(self, name: TextInput, dialog: ui.dialog) -> None:
        panel, t = self._panel, self._panel.t
        try:
            username = panel.require_change(AdminResource.WIDGETS)
            draft = first_draft(t, str(name.value or "").strip())
            spec = await panel.services.office.widgets.create(draft, username)
        except ValidationError:
            name.error = t("widget.name_bad")
        except SecretaryError as error:
            if error.param == "name":
                name.error = t("widget.name_bad")
            else:
                panel.toast_error(error)
        else:
            dialog.close()
            with panel.client:
                ui.navigate.to(f"/widget?widget={quote(spec.id)}")
