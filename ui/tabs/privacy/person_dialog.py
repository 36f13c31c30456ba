"""What is stored of one person, with export and erasure."""

import re
from collections.abc import Awaitable, Callable

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.privacy.personal_file import personal_data_file
from deployments.administration.privacy.service import DataSubject, ErasureCounts, StoredAmounts
from deployments.contracts.errors import SecretaryError
from deployments.contracts.identity import Identity
from ui.components.confirmation_dialog import ask_typed_confirmation
from ui.components.page_parts import fact
from ui.components.section import draw_empty_state
from ui.context import PanelContext

_NOT_IN_FILE_NAMES = re.compile(r"[^\w.-]+")


class PersonDialog:
    """One dialog for the page. ``on_erased`` is awaited after an erasure."""

    def __init__(self, panel: PanelContext, on_erased: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._on_erased = on_erased
        self._subject = DataSubject("")
        self._name = ""
        t = panel.t
        with ui.dialog() as self._dialog, ui.card().classes("dialog").props("role=dialog") as box:
            box.props["aria-label"] = panel.t("privacy.find_title")
            self._dialog.props["aria-label"] = panel.t("privacy.find_title")
            self._title = ui.label().classes("dialog-title").props("role=heading aria-level=2")
            self._body = html.div().classes("privacy-stored")
            with html.div().classes("dialog-actions"):
                ui.button(t("common.close"), on_click=self._dialog.close).props("flat no-caps")
                self._erase_button = ui.button(t("privacy.erase"), icon="delete_forever", on_click=self._erase)
                self._erase_button.props("flat no-caps color=negative")
                self._export_button = ui.button(t("privacy.export"), icon="download", on_click=self._export)
                self._export_button.props("unelevated no-caps")

    async def open(self, subject: DataSubject, name: str) -> None:
        self._subject, self._name = subject, name
        try:
            self._panel.require_read(AdminResource.PRIVACY)
            amounts = await self._panel.services.office.privacy.summary(subject, self._identity())
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._title.text = name
        for button in (self._erase_button, self._export_button):
            button.set_visibility(not amounts.nothing)
        self._body.clear()
        with self._body:
            self._draw(amounts)
        self._dialog.open()

    def _identity(self) -> Identity:
        """The user, with the role that was checked just now."""
        return self._panel.session.identity

    def _draw(self, amounts: StoredAmounts) -> None:
        t = self._panel.t
        if amounts.nothing:
            draw_empty_state("check_circle", t("privacy.nothing_stored"), t("privacy.nothing_hint"))
            return
        with html.dl().classes("facts privacy-facts"):
            fact(t("privacy.stored_conversations"), str(amounts.conversations))
            fact(t("privacy.stored_messages"), str(amounts.messages))
            fact(t("privacy.stored_exchanges"), str(amounts.exchanges))
            fact(t("privacy.stored_recordings"), str(amounts.recordings))
            fact(t("privacy.stored_consents"), str(amounts.consents + amounts.voice_consents))
        if self._subject.source is not None:
            html.p(t("privacy.one_source")).classes("muted")

    async def _export(self) -> None:
        panel = self._panel
        try:
            panel.require_change(AdminResource.PRIVACY)
            data = await panel.services.office.privacy.export(self._subject, self._identity())
        except SecretaryError as error:
            panel.toast_error(error)
            return
        name = _NOT_IN_FILE_NAMES.sub("-", self._subject.person[:60])
        ui.download.content(personal_data_file(self._subject.person, data), f"{name}.json", "application/json")

    async def _erase(self) -> None:
        panel, t = self._panel, self._panel.t
        backups = await panel.services.operations.backups.list()
        text = t("privacy.erase_text")
        if backups:
            text += " " + t.count("privacy.in_backups", len(backups))
        if not await ask_typed_confirmation(
            panel, t("privacy.erase_title", name=self._name), text, self._subject.person, t("privacy.erase")
        ):
            return
        try:
            panel.require_change(AdminResource.PRIVACY)
            erased = await panel.services.office.privacy.erase(self._subject, self._identity())
        except SecretaryError as error:
            panel.toast_error(error)
            return
        self._dialog.close()
        panel.toast(self._done(erased))
        await self._on_erased()

    def _done(self, erased: ErasureCounts) -> str:
        consents = erased.consents + erased.voice_consents
        return self._panel.t(
            "privacy.erased",
            conversations=erased.conversations,
            exchanges=erased.exchanges,
            recordings=erased.recordings,
            consents=consents,
        )
