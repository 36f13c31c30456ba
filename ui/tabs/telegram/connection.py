"""How a bot reaches Telegram: its token, the Bot API server and, for administrators, its proxies."""

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import Conflict, InvalidRequest, SecretaryError
from deployments.contracts.instances import BotSpec
from ui.components.page_parts import attempt, curl_line
from ui.components.secret_field import SecretField
from ui.components.spec_form import OpenedSpec
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.tabs.telegram.check_result import draw_check_result
from ui.tabs.telegram.proxy_fields import POLICY_TEXTS, ProxyFields


def draw_connection(panel: PanelContext, bot: OpenedSpec[BotSpec]) -> None:
    ConnectionForm(panel, bot, html.div().classes("telegram-stack"))


class ConnectionForm:
    """Drawn anew after each save, so that no token or link stays in a field."""

    def __init__(self, panel: PanelContext, bot: OpenedSpec[BotSpec], container: html.div) -> None:
        self._panel = panel
        self._bot = bot
        self._container = container
        self._draw()

    def _draw(self) -> None:
        panel, t, spec = self._panel, self._panel.t, self._bot.spec
        administration = panel.services.office.bots
        self._container.clear()
        self._proxies: ProxyFields | None = None
        with self._container:
            html.h2(t("telegram.part_connection"))
            with html.div().classes("telegram-form"):
                ui.button(t("telegram.check"), icon="network_check", on_click=self._check).props("outline no-caps")
                self._result = html.div()
                self._token = SecretField(panel, t("telegram.token"), administration.token_hint(spec))
                self._url = TextInput(t("telegram.api_url"), value=spec.api_url).props("outlined dense maxlength=500")
                self._url.props["hint"] = t("telegram.api_url_hint")
                html.h3(t("telegram.proxies")).classes("telegram-subtitle")
                hosts = administration.proxy_hosts(spec)
                if panel.can_change(AdminResource.BOT_PROXIES):
                    self._proxies = ProxyFields(panel, hosts, spec.proxy_policy)
                else:
                    html.p(t("telegram.proxies_admin")).classes("muted")
                    html.p(", ".join(hosts) or t("telegram.proxies_none"))
                    if hosts:
                        html.p(t(POLICY_TEXTS[spec.proxy_policy])).classes("muted")
                with html.div().classes("form-actions"):
                    ui.button(t("common.save"), on_click=self._save).props("unelevated no-caps")
                curl_line(panel, "POST", f"/telegram/instances/{spec.id}/check")

    async def _check(self) -> None:
        async def check() -> None:
            username = self._panel.require_change(AdminResource.BOTS)
            found = await self._panel.services.bot_token_checks.check_stored(self._bot.spec.id, username)
            self._result.clear()
            with self._result:
                draw_check_result(self._panel, found)

        await attempt(self._panel, check)

    async def _save(self) -> None:
        panel, t = self._panel, self._panel.t
        changes: dict[str, object] = {"api_url": (self._url.value or "").strip()}
        if self._token.entered:
            changes["token"] = self._token.entered
        try:
            if self._proxies is not None:
                changes["proxy_policy"] = self._proxies.policy.value
                links = self._proxies.entered()
                if links is not None:
                    changes["vless_urls"] = links
            await self._bot.change(changes)
        except Conflict as error:
            panel.toast(t("telegram.token_taken"), "negative") if error.param == "token" else await self._reload()
        except InvalidRequest as error:
            self._show_refusal(error)
        except SecretaryError as error:
            panel.toast_error(error)
        else:
            panel.toast(t("common.saved"))
            self._draw()

    def _show_refusal(self, error: InvalidRequest) -> None:
        t = self._panel.t
        if error.param == "api_url":
            self._url.error = t("telegram.bad_url")
        elif error.param == "token":
            self._panel.toast(
                t("telegram.token_needed" if not self._token.entered else "telegram.token_bad"), "negative"
            )
        else:
            self._panel.toast_error(error)

    async def _reload(self) -> None:
        """Somebody else changed the bot: what was typed stays, and is saved over their version next time."""
        if await attempt(self._panel, self._bot.read):
            self._panel.toast(self._panel.t("telegram.changed_meanwhile"), "warning")
