"""The dialog that adds a bot: its token is checked against Telegram before it is stored."""

from urllib.parse import quote

from nicegui import html, ui
from pydantic import ValidationError

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.bots.proxy_rights import require_proxy_rights
from deployments.administration.bots.service import BotDraft
from deployments.administration.bots.token_check import BotTokenCheck
from deployments.administration.proxies.drafts import parsed_links
from deployments.contracts.errors import Conflict, InvalidRequest, SecretaryError
from ui.components.field_set import FieldSet
from ui.components.secret_field import SecretField
from ui.context import PanelContext
from ui.tabs.telegram.check_result import draw_check_result
from ui.tabs.telegram.proxy_fields import ProxyFields

_TRY_LATER = ("unreachable", "webhook", "polled_elsewhere")
"""Outcomes after which the bot may be added all the same."""


class CreationDialog:
    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._proxies: ProxyFields | None = None

    def open(self) -> None:
        t = self._panel.t
        with self._panel.client, ui.dialog() as self._dialog, ui.card().classes("dialog") as card:
            self._dialog.props("persistent")
            card.props('role=dialog aria-modal="true"')
            html.h2(t("telegram.add")).classes("dialog-title")
            html.p(t("telegram.add_hint")).classes("muted")
            self._token = SecretField(self._panel, t("telegram.token"))
            name = ui.input(t("telegram.name")).props("outlined dense maxlength=100")
            name.props["hint"] = t("telegram.name_hint")
            access = ui.radio({"listed": t("telegram.access_listed"), "everyone": t("telegram.access_everyone")})
            access.props("dense").props["aria-label"] = t("telegram.access")
            access.value = "listed"
            with ui.expansion(t("telegram.way_to_telegram"), icon="vpn_lock").props("dense"):
                url = ui.input(t("telegram.api_url"), value="https://api.telegram.org").props("outlined dense")
                if self._panel.can_change(AdminResource.BOT_PROXIES):
                    self._proxies = ProxyFields(self._panel)
            self._fields = FieldSet({"name": name, "access": access, "api_url": url})
            self._result = html.div()
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=self._dialog.close).props("flat no-caps")
                self._anyway = ui.button(t("telegram.add_anyway"), on_click=lambda: self._create("")).props(
                    "flat no-caps"
                )
                self._anyway.set_visibility(False)
                self._check = ui.button(t("telegram.check_and_add"), on_click=self._check_and_add)
                self._check.props("unelevated no-caps")
        self._dialog.on("hide", self._dialog.delete)
        self._dialog.open()

    def _draft(self, name: str) -> BotDraft | None:
        """The draft, or None after what is wrong has been shown."""
        panel, t = self._panel, self._panel.t
        self._fields.clear_problems()
        self._result.clear()
        try:
            return BotDraft.model_validate(
                {
                    "name": self._fields.text("name") or name or "bot",
                    "token": self._token.entered or "",
                    "api_url": self._fields.text("api_url"),
                    "access": self._fields["access"].value,
                    "language": t.language,
                    "vless_urls": self._proxies.entered() if self._proxies else None,
                    "proxy_policy": self._proxies.policy.value if self._proxies else "never_direct",
                }
            )
        except InvalidRequest as error:
            panel.toast_error(error)
        except ValidationError as error:
            names = {str(problem["loc"][0]) for problem in error.errors()}
            if "api_url" in names:
                self._fields.mark("api_url", t("telegram.bad_url"))
            if "token" in names:
                self._show(BotTokenCheck(outcome="wrong_token"))
        return None

    async def _check_and_add(self) -> None:
        panel = self._panel
        draft = self._draft("")
        if draft is None or draft.token is None:
            return
        self._check.props("loading")
        try:
            username = panel.require_change(AdminResource.BOTS)
            links = draft.vless_urls or ()
            require_proxy_rights(panel.session.role, {"vless_urls": links, "proxy_policy": draft.proxy_policy}, None)
            result = await panel.services.bot_token_checks.check_new(
                draft.token, draft.api_url, parsed_links(links), draft.proxy_policy, username
            )
        except SecretaryError as error:
            panel.toast_error(error)
            return
        finally:
            self._check.props(remove="loading")
        self._show(result)
        self._anyway.set_visibility(result.outcome in _TRY_LATER)
        if result.outcome == "ok":
            await self._create(result.name)

    def _show(self, result: BotTokenCheck) -> None:
        self._result.clear()
        with self._result:
            draw_check_result(self._panel, result)

    async def _create(self, name: str) -> None:
        panel = self._panel
        draft = self._draft(name)
        if draft is None:
            return
        try:
            username = panel.require_change(AdminResource.BOTS)
            require_proxy_rights(panel.session.role, dict(draft), None)
            spec = await panel.services.office.bots.create(draft, username)
        except SecretaryError as error:
            text = panel.t("telegram.name_taken" if isinstance(error, Conflict) else "telegram.name_bad")
            if error.param != "name" or not self._fields.mark("name", text):
                panel.toast_error(error)
            return
        self._dialog.close()
        panel.toast(panel.t("telegram.added"))
        with panel.client:
            ui.navigate.to(f"/telegram?bot={quote(spec.id)}")
