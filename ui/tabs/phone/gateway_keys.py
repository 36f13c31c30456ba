"""Keys of phone gateways: API keys with the scope of sound, shown once when they are made."""

from dataclasses import dataclass
from functools import partial

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.keys.service import ApiKeyView
from deployments.contracts.api_key import KeyLimits
from deployments.contracts.errors import SecretaryError
from ui.components.command_copy import draw_command
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.page_parts import attempt, card, curl_line, icon_button
from ui.components.section import RedrawnSection, draw_empty_state
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.formatting import format_amount, format_time_ago

SCOPE = "audio"
_MAX_LINES = 64


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    name: str
    facts: str


class GatewayKeys:
    """The list, and the form that adds a key."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        t = panel.t
        with card(t("phone.keys_title"), t("phone.keys_note")):
            self._rows: RedrawnSection[tuple[_Row, ...]] = RedrawnSection(html.div().classes("rows"), self._draw)
            self._new = html.div().classes("phone-new-key").props("role=status")
            if panel.can_change(AdminResource.KEYS):
                self._draw_form()

    async def refresh(self) -> None:
        try:
            self._panel.require_read(AdminResource.KEYS)
            views = await self._panel.services.office.keys.views()
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._rows.show(tuple(self._row(view) for view in views if SCOPE in view.key.scopes))

    def _row(self, view: ApiKeyView) -> _Row:
        t, key = self._panel.t, view.key
        facts = [f"{key.prefix}…", t("phone.key_made", time=format_time_ago(view.created_at, t))]
        facts.append(t("phone.key_used", minutes=format_amount(view.used_today.audio_seconds / 60, 1, t)))
        if key.limits.concurrent_streams:
            facts.append(t.count("phone.key_lines", key.limits.concurrent_streams))
        if set(key.scopes) - {SCOPE}:
            facts.append(t("phone.key_more"))
        return _Row(key.id, key.name, " · ".join(facts))

    def _draw(self, rows: tuple[_Row, ...]) -> None:
        t = self._panel.t
        if not rows:
            draw_empty_state("key_off", t("phone.no_keys"), t("phone.no_keys_hint"))
        for row in rows:
            with html.div().classes("row-line phone-key"):
                with html.div().classes("phone-key-text"):
                    html.h3(row.name)
                    html.p(row.facts).classes("muted")
                if self._panel.can_change(AdminResource.KEYS):
                    icon_button(
                        "delete_outline", t("phone.revoke_of", name=row.name), partial(self._revoke, row)
                    ).props("aria-haspopup=dialog")

    def _draw_form(self) -> None:
        t = self._panel.t
        with html.div().classes("phone-key-form"):
            self._name = TextInput(t("phone.key_name")).props("outlined dense maxlength=100")
            self._lines = ui.number(t("phone.key_limit"), min=0, max=_MAX_LINES, precision=0)
            self._lines.props("outlined dense").props["hint"] = t("phone.key_limit_hint")
            ui.button(t("phone.key_create"), icon="add", on_click=self._create).props("unelevated no-caps")
        curl_line(self._panel, "POST", "/keys", {"name": "PBX", "scopes": [SCOPE]})

    async def _create(self) -> None:
        panel, t = self._panel, self._panel.t
        name = (self._name.value or "").strip()
        self._name.error = None if name else t("phone.key_needs_name")
        if not name:
            return
        limits = KeyLimits(concurrent_streams=int(self._lines.value or 0))
        try:
            by = panel.require_change(AdminResource.KEYS)
            _, plain = await panel.services.office.keys.create(name, (SCOPE,), by, limits=limits)
        except SecretaryError as error:
            panel.toast_error(error)
            return
        self._name.value, self._lines.value = "", None
        self._new.clear()
        with self._new, html.div().classes("notice phone-once"):
            html.p(t("phone.key_once"))
            draw_command(panel, plain)
        await self.refresh()

    async def _revoke(self, row: _Row) -> None:
        panel, t = self._panel, self._panel.t
        text = t("phone.revoke_text", name=row.name)
        if not await ask_confirmation(panel.client, t("phone.revoke"), text, t("phone.revoke"), t("common.cancel")):
            return

        async def revoke() -> None:
            await panel.services.office.keys.revoke(row.id, panel.require_change(AdminResource.KEYS))

        await attempt(panel, revoke, t("phone.revoked"))
        await self.refresh()
