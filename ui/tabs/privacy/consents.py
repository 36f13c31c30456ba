"""Consents: list, filter, record and withdraw them."""

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.privacy.service import StoredConsent
from deployments.contracts.errors import SecretaryError
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.page_parts import card, pill
from ui.components.section import draw_empty_state
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.formatting import format_moment
from ui.tabs.privacy.consent_form import ConsentForm
from ui.url_state import UrlState

PAGE_SIZE = 20


class ConsentsCard:
    """``consent`` in the address is the person of the filter, ``page`` the page."""

    def __init__(self, panel: PanelContext, state: UrlState) -> None:
        self._panel = panel
        self._state = state
        t = panel.t
        form = ConsentForm(panel, self.refresh)
        with card(t("privacy.consents_title")):
            html.p(t("privacy.consents_lead")).classes("muted")
            with html.div().classes("filter"):
                search = TextInput(
                    placeholder=t("privacy.consents_filter"),
                    value=state.get("consent"),
                    on_change=lambda e: self._show(consent=e.value, page=None),
                )
                search.props(f'outlined dense clearable debounce=300 aria-label="{t("privacy.consents_filter")}"')
                search.classes("filter-search")
                ui.button(t("privacy.consent_add"), icon="add", on_click=form.open).props(
                    "flat no-caps aria-haspopup=dialog"
                )
            self._note = html.div()
            self._list = html.div().classes("privacy-people").props("role=list")
            self._list.props["aria-label"] = t("privacy.consents_title")
            self._foot = html.div().classes("faq-foot")

    async def refresh(self) -> None:
        page = self._state.number("page", 1, 1)
        try:
            self._panel.require_read(AdminResource.PRIVACY)
            found = await self._panel.services.office.privacy.consents(
                self._state.get("consent").strip() or None, PAGE_SIZE + 1, (page - 1) * PAGE_SIZE
            )
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._list.clear()
        with self._list:
            for consent in found[:PAGE_SIZE]:
                self._row(consent)
        self._note.clear()
        if not found:
            with self._note:
                draw_empty_state("handshake", self._panel.t("privacy.consents_none"))
        self._foot.clear()
        with self._foot:
            self._draw_pages(page, more=len(found) > PAGE_SIZE)

    async def _show(self, **values: str | int | None) -> None:
        self._state.set(**values)
        await self.refresh()

    def _draw_pages(self, page: int, *, more: bool) -> None:
        t = self._panel.t
        if page > 1:
            ui.button(t("privacy.newer"), on_click=lambda: self._show(page=page - 1)).props("flat dense no-caps")
        if more:
            ui.button(t("privacy.older"), on_click=lambda: self._show(page=page + 1)).props("flat dense no-caps")

    def _row(self, consent: StoredConsent) -> None:
        t = self._panel.t
        with html.div().classes("privacy-person").props("role=listitem"):
            with html.div().classes("privacy-text"):
                with html.div().classes("row-line"):
                    html.span(consent.person).classes("privacy-name")
                    html.span(t(f"privacy.kind.{consent.kind}")).classes("chip")
                    pill(
                        t("privacy.withdrawn" if consent.withdrawn_at else "privacy.valid"),
                        "plain" if consent.withdrawn_at else "good",
                    )
                html.div(self._when(consent)).classes("muted")
                if consent.wording:
                    html.p(f"«{consent.wording}»").classes("privacy-wording")
            if consent.withdrawn_at is None:
                button = ui.button(t("privacy.withdraw"), on_click=lambda: self._withdraw(consent))
                button.props("flat dense no-caps aria-haspopup=dialog")
                button.props["aria-label"] = t("privacy.withdraw_of", name=consent.person)

    def _when(self, consent: StoredConsent) -> str:
        t, zone = self._panel.t, self._panel.time_zone
        source = f"privacy.source.{consent.source}"
        parts = [t(source) if t.has(source) else consent.source, consent.source_id]
        if consent.given_at is not None:
            parts.append(t("privacy.given", time=format_moment(consent.given_at, zone, t)))
        if consent.withdrawn_at is not None:
            parts.append(t("privacy.withdrawn_at", time=format_moment(consent.withdrawn_at, zone, t)))
        return " · ".join(part for part in parts if part)

    async def _withdraw(self, consent: StoredConsent) -> None:
        panel, t = self._panel, self._panel.t
        title, text = t("privacy.withdraw_title", name=consent.person), t("privacy.withdraw_text")
        if not await ask_confirmation(panel.client, title, text, t("privacy.withdraw"), t("common.cancel")):
            return
        try:
            panel.require_change(AdminResource.PRIVACY)
            await panel.services.office.privacy.withdraw_consent(consent.id, panel.session.identity)
        except SecretaryError as error:
            panel.toast_error(error)
        else:
            panel.toast(t("privacy.withdrawn_done"))
        await self.refresh()
