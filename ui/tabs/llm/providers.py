"""The cloud providers as cards."""

from collections.abc import Awaitable, Callable

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import SecretaryError
from deployments.contracts.providers import ProviderSpec
from ui.components.page_parts import curl_line, read_only_note
from ui.components.section import KeyedList, RedrawnSection, draw_empty_state, draw_skeleton
from ui.context import PanelContext
from ui.tabs.llm.provider_card import ProviderRow, draw_provider
from ui.tabs.llm.provider_editor import ProviderEditor


class ProviderSection:
    """``on_answered`` is awaited after a test that was answered."""

    def __init__(self, panel: PanelContext, on_answered: Callable[[], Awaitable[None]] | None = None) -> None:
        self._panel = panel
        self._on_answered = on_answered
        self._editor = ProviderEditor(panel, self.refresh)
        t = panel.t
        read_only_note(panel, AdminResource.PROVIDERS)
        with html.div().classes("llm-head"):
            html.p(t("provider.lead")).classes("muted")
            if panel.can_change(AdminResource.PROVIDERS):
                ui.button(t("provider.add"), icon="add", on_click=lambda: self._editor.open()).props(
                    "unelevated no-caps aria-haspopup=dialog"
                )
        self._container = html.div().classes("llm-cards")
        note = html.div()
        with note:
            draw_skeleton(4)
        self._rows: KeyedList[ProviderRow] = KeyedList(self._container, self._draw_row)
        self._note: RedrawnSection[bool] = RedrawnSection(note, self._draw_note)
        curl_line(panel, "GET", "/llm/providers")

    async def refresh(self) -> None:
        try:
            self._panel.require_read(AdminResource.PROVIDERS)
            providers = await self._panel.services.office.providers.list()
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        default = self._panel.services.publisher.current.settings.default_route
        several = sum(each.provider_type == "gemini" for each in providers) > 1
        rows = [self._row(each, default, several) for each in providers]
        if not self._container.is_deleted:
            self._rows.show(rows)
            self._note.show(not rows)

    def _row(self, spec: ProviderSpec, default_route: str, several: bool) -> ProviderRow:
        links = len(self._panel.services.office.providers.proxy_hosts(spec))
        main = several and spec.provider_type == "gemini"
        return ProviderRow(spec, default_route == f"cloud:{spec.id}", links, main)

    def _draw_row(self, row: ProviderRow) -> ui.element:
        return draw_provider(row, self._panel, self._editor, self.refresh, self._on_answered)

    def _draw_note(self, empty: bool) -> None:
        t = self._panel.t
        if empty:
            draw_empty_state("cloud_queue", t("provider.empty"), t("provider.empty_hint"))
