"""The dialog that creates an API key and shows it once, with the lines that connect a program."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.keys.service import DEFAULT_SCOPES, SCOPES
from deployments.contracts.errors import Conflict, SecretaryError
from ui.components.copy_button import copy_button
from ui.components.field_set import FieldSet
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.public_address import public_address
from ui.tabs.keys.connecting import draw_connections
from ui.tabs.keys.key_card import SCOPE_TEXTS
from ui.tabs.keys.limits import draw_limit_fields, entered_limits

_SCOPE_HINTS = {
    "chat": "keys.scope_chat_hint",
    "audio": "keys.scope_audio_hint",
    "metrics": "keys.scope_metrics_hint",
    "voices": "keys.scope_voices_hint",
}
_NEVER, _UNTIL = "never", "until"
_DAYS = {"30": 30, "90": 90, "365": 365}


class CreationDialog:
    """A new dialog for every key, so that nothing of the last one is left. ``on_created`` is awaited afterwards."""

    def __init__(self, panel: PanelContext, on_created: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._on_created = on_created

    def open(self) -> None:
        with self._panel.client, ui.dialog() as self._dialog, ui.card().classes("dialog") as self._card:
            self._dialog.props("persistent")
            self._card.props('role=dialog aria-modal="true"').props["aria-label"] = self._panel.t("keys.create")
            self._dialog.props["aria-label"] = self._panel.t("keys.create")
            self._draw_form()
        self._dialog.on("hide", self._dialog.delete)
        self._dialog.open()

    def _draw_form(self) -> None:
        t = self._panel.t
        html.h2(t("keys.create")).classes("dialog-title")
        name = TextInput(t("keys.name")).props("outlined dense autofocus maxlength=100")
        name.props["hint"] = t("keys.name_hint")
        with html.fieldset().classes("keys-scopes"):
            html.legend(t("keys.scopes"))
            self._scopes = {scope: self._draw_scope(scope) for scope in SCOPES}
            self._no_scope = html.div(t("keys.needs_scope")).classes("keys-problem").props("role=alert")
            self._no_scope.set_visibility(False)
        with html.div().classes("keys-expiry"):
            choices = {_NEVER: t("keys.never_expires"), "30": t("keys.days_30"), "90": t("keys.days_90")}
            choices |= {"365": t("keys.days_365"), _UNTIL: t("keys.until_day")}
            expiry = ui.select(choices, value=_NEVER, label=t("keys.expires")).props("outlined dense")
            day = TextInput(t("keys.last_day")).props("outlined dense type=date stack-label")
            day.bind_visibility_from(expiry, "value", value=_UNTIL)
        owner = TextInput(t("keys.owner")).props("outlined dense maxlength=100")
        owner.props["hint"] = t("keys.owner_hint")
        with ui.expansion(t("keys.limits"), icon="speed").props("dense").classes("keys-expansion"):
            html.p(t("keys.limits_note")).classes("muted")
            self._limits = draw_limit_fields(self._panel)
        self._fields = FieldSet({"name": name, "owner": owner, "expires_at": day})
        self._expiry = expiry
        with html.div().classes("dialog-actions"):
            ui.button(t("common.cancel"), on_click=self._dialog.close).props("flat no-caps")
            ui.button(t("keys.create"), on_click=self._create).props("unelevated no-caps")

    def _draw_scope(self, scope: str) -> ui.checkbox:
        t = self._panel.t
        with html.div().classes("keys-scope"):
            box = ui.checkbox(t(SCOPE_TEXTS[scope]), value=scope in DEFAULT_SCOPES)
            html.div(t(_SCOPE_HINTS[scope])).classes("keys-scope-hint")
        return box

    def _expires_at(self) -> datetime | None:
        """The end of the last day (UTC). Raises ValueError for a day that is none or over."""
        choice = self._expiry.value
        if choice == _NEVER:
            return None
        if choice in _DAYS:
            return datetime.now(UTC) + timedelta(days=_DAYS[choice])
        moment = datetime.combine(datetime.fromisoformat(self._fields.text("expires_at")), time.max, UTC)
        if moment <= datetime.now(UTC):
            raise ValueError("in the past")
        return moment

    async def _create(self) -> None:
        panel, t = self._panel, self._panel.t
        self._fields.clear_problems()
        scopes = [scope for scope, box in self._scopes.items() if box.value]
        self._no_scope.set_visibility(not scopes)
        if not self._fields.text("name"):
            self._fields.mark("name", t("keys.needs_name"))
        try:
            expires_at = self._expires_at()
        except ValueError:
            self._fields.mark("expires_at", t("keys.bad_day"))
            return
        if not scopes or not self._fields.text("name"):
            return
        try:
            key, plain = await panel.services.office.keys.create(
                self._fields.text("name"),
                scopes,
                panel.require_change(AdminResource.KEYS),
                expires_at,
                entered_limits(self._limits),
                self._fields.text("owner"),
            )
        except SecretaryError as error:
            text = t("keys.name_taken") if isinstance(error, Conflict) else t("keys.name_bad")
            if error.param is None or not self._fields.mark(error.param, text):
                panel.toast_error(error)
            return
        await self._show_key(key.name, plain, scopes)
        await self._on_created()

    async def _show_key(self, name: str, plain: str, scopes: list[str]) -> None:
        panel, t = self._panel, self._panel.t
        address = await public_address(panel)
        self._card.clear()
        with self._card:
            html.h2(t("keys.created_title", name=name)).classes("dialog-title")
            html.p(t("keys.shown_once")).classes("notice").props("role=status")
            with html.div().classes("keys-plain"):
                html.code(plain).props("tabindex=0")
                copy_button(panel, plain, t("keys.copy_key"))
            draw_connections(panel, address, plain, scopes)
            with html.div().classes("dialog-actions"):
                ui.button(t("keys.i_saved_it"), on_click=self._dialog.close).props("unelevated no-caps autofocus")
