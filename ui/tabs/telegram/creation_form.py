"""The form that adds a bot: its token is checked against Telegram before it is stored."""

from collections.abc import Awaitable, Callable

from nicegui import html, ui
from pydantic import ValidationError

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.bots.proxy_rights import require_proxy_rights
from deployments.administration.bots.service import BotDraft
from deployments.administration.bots.token_check import BotTokenCheck
from deployments.administration.proxies.drafts import parsed_links
from deployments.contracts.errors import Conflict, InvalidRequest, SecretaryError
from deployments.contracts.instances import BotSpec
from ui.components.field_set import FieldSet
from ui.components.secret_field import SecretField
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.tabs.telegram.check_result import draw_check_result
from ui.tabs.telegram.proxy_fields import ProxyFields

_TRY_LATER = ("unreachable", "webhook", "polled_elsewhere")
"""Outcomes after which the bot may be added all the same."""


class BotCreationForm:
    """Draws the fields in the current slot; ``draw_buttons`` draws the buttons in another one. ``on_created`` is
    awaited with the new bot. ``listed`` words the access of listed users. Without ``with_name`` the bot is called as
    in Telegram, and the field appears only when that name is refused."""

    def __init__(
        self,
        panel: PanelContext,
        on_created: Callable[[BotSpec], Awaitable[None]],
        listed: str = "telegram.access_listed",
        *,
        with_name: bool = True,
    ) -> None:
        self._panel = panel
        self._on_created = on_created
        self._proxies: ProxyFields | None = None
        t = panel.t
        self._token = SecretField(panel, t("telegram.token"))
        self._name = TextInput(t("telegram.name")).props("outlined dense maxlength=100")
        self._name.props["hint"] = t("telegram.name_hint")
        self._name.set_visibility(with_name)
        html.div(t("telegram.access")).classes("telegram-subtitle")
        access = ui.radio({"listed": t(listed), "everyone": t("telegram.access_everyone")})
        access.props("dense").props["aria-label"] = t("telegram.access")
        access.value = "listed"
        with ui.expansion(t("telegram.way_to_telegram"), icon="vpn_lock").props("dense"):
            url = TextInput(t("telegram.api_url"), value="https://api.telegram.org").props("outlined dense")
            if panel.can_change(AdminResource.BOT_PROXIES):
                self._proxies = ProxyFields(panel)
        self._fields = FieldSet({"name": self._name, "access": access, "api_url": url})
        self._result = html.div()

    def draw_buttons(self) -> None:
        t = self._panel.t
        self._anyway = ui.button(t("telegram.add_anyway"), on_click=lambda: self._create("")).props("flat no-caps")
        self._anyway.set_visibility(False)
        self._check = ui.button(t("telegram.check_and_add"), on_click=self._check_and_add)
        self._check.props("unelevated no-caps")

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
            if error.param != "name":
                panel.toast_error(error)
                return
            self._name.set_visibility(True)
            self._fields.mark("name", text)
            return
        await self._on_created(spec)
