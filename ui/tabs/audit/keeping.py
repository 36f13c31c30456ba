"""Integrity and age of the log: check, export, and deletion of old events."""

from collections.abc import AsyncIterator, Awaitable, Callable

from nicegui import html, ui

from deployments.administration.audit.audit_log import AuditFilter, AuditRecord
from deployments.administration.audit.export import stream_csv, stream_json
from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import SecretaryError
from deployments.contracts.settings import MIN_AUDIT_DAYS
from ui.components.confirmation_dialog import ask_typed_confirmation
from ui.components.page_parts import attempt, card
from ui.context import PanelContext

_DAYS = 90
_MAX_DAYS = 36_500
_MAX_EXPORT_BYTES = 20 << 20
_FORMATS = {
    "json": (stream_json, "application/json"),
    "csv": (stream_csv, "text/csv"),
}


class KeepingCard:
    """``on_change`` is awaited after events were deleted."""

    def __init__(self, panel: PanelContext, on_change: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._on_change = on_change
        t = panel.t
        with card(t("audit.keeping")):
            html.p(t("audit.chain_about")).classes("muted")
            with html.div().classes("row-line audit-keeping"):
                self._verify_button = ui.button(t("audit.verify"), icon="verified_user", on_click=self._verify)
                self._verify_button.props("outline no-caps")
                if panel.can_change(AdminResource.AUDIT):
                    ui.button(t("audit.clean_up"), icon="auto_delete", on_click=self._ask_days).props(
                        "outline no-caps aria-haspopup=dialog"
                    )
            self._result = html.div().classes("audit-verdict").props("role=status")

    async def _verify(self) -> None:
        panel, t = self._panel, self._panel.t
        self._verify_button.props("loading")
        try:
            panel.require_read(AdminResource.AUDIT)
            broken = await panel.services.office.audit.verify()
        except SecretaryError as error:
            panel.toast_error(error)
            return
        finally:
            self._verify_button.props(remove="loading")
        self._result.clear()
        with self._result:
            ui.icon("check_circle" if broken is None else "error").props("aria-hidden=true")
            text = t("audit.intact") if broken is None else t("audit.broken", number=broken)
            html.span(text)
        self._result.classes(
            add="audit-intact" if broken is None else "audit-broken", remove="audit-intact audit-broken"
        )

    async def _ask_days(self) -> None:
        """Asks for the age, shows how many events that are, and asks to type a word."""
        panel, t = self._panel, self._panel.t
        with panel.client, ui.dialog() as dialog, ui.card().classes("dialog dialog-small"):
            dialog.props["aria-label"] = t("audit.clean_up")
            html.h2(t("audit.clean_up")).classes("dialog-title")
            days = ui.number(t("audit.older_than"), value=_DAYS, min=MIN_AUDIT_DAYS, max=_MAX_DAYS, precision=0)
            days.props("outlined autofocus")
            hint = ui.label().classes("dialog-text").props("role=status")
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=lambda: dialog.submit(None)).props("flat no-caps")
                go_on = ui.button(t("audit.go_on"), on_click=lambda: dialog.submit(int(days.value)))
                go_on.props("unelevated no-caps")

        async def count() -> None:
            valid = days.value is not None and MIN_AUDIT_DAYS <= days.value <= _MAX_DAYS
            found = await panel.services.office.audit.count_before(int(days.value)) if valid else 0
            hint.text = t.count("audit.older_found", found) if valid else t("audit.days_range", least=MIN_AUDIT_DAYS)
            go_on.set_enabled(found > 0)

        days.on_value_change(count)
        await count()
        try:
            chosen = await dialog
        finally:
            dialog.delete()
        if chosen is not None:
            await self._clean_up(chosen)

    async def _clean_up(self, days: int) -> None:
        panel, t = self._panel, self._panel.t
        audit = panel.services.office.audit
        text = t.count("audit.clean_up_text", await audit.count_before(days), days=days)
        word = t("audit.clean_up_word")
        if not await ask_typed_confirmation(panel, t("audit.clean_up_ask"), text, word, t("common.delete")):
            return

        async def delete() -> None:
            deleted = await audit.cleanup(days, panel.require_change(AdminResource.AUDIT))
            panel.toast(t.count("audit.cleaned", deleted))

        if await attempt(panel, delete):
            await self._on_change()


async def download_events(panel: PanelContext, criteria: AuditFilter, file_format: str) -> None:
    """Sends the matching events as a file. A file that is too large for this way is refused."""
    write, media_type = _FORMATS[file_format]

    async def send() -> None:
        panel.require_read(AdminResource.AUDIT)
        events: AsyncIterator[AuditRecord] = await panel.services.office.audit.export(criteria, panel.session.username)
        pieces, size = [], 0
        async for piece in write(events):
            pieces.append(piece)
            size += len(piece)
            if size > _MAX_EXPORT_BYTES:
                panel.toast(panel.t("audit.export_too_large"), "warning")
                return
        ui.download.content(b"".join(pieces), f"audit.{file_format}", media_type)

    await attempt(panel, send)
