"""The dialog with the proxies of a provider: state, order, tests, policy and new links."""

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.proxies.proxy_test import ProxyCoreState
from deployments.administration.proxies.service import OwnedProxies
from deployments.contracts.commands import secretary_command
from deployments.contracts.errors import InvalidRequest, SecretaryError
from deployments.contracts.proxies import ProxyPolicy
from ui.components.command_copy import draw_command
from ui.components.page_parts import attempt
from ui.components.section import RedrawnSection
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext
from ui.tabs.llm.proxy_links import LinkEntry
from ui.tabs.llm.proxy_list import ProxyList

_REFRESH_S = 2.0


async def open_proxies(panel: PanelContext, provider_id: str) -> None:
    """Returns when the dialog is closed."""
    with (
        panel.client,
        ui.dialog() as dialog,
        ui.card().classes("dialog llm-wide"),
    ):
        dialog.props["aria-label"] = panel.t("proxy.title")
        view = ProxyDialog(panel, provider_id)
        with html.div().classes("dialog-actions"):
            ui.button(panel.t("common.close"), on_click=dialog.close).props("flat no-caps")
        timer = refresh_while_visible(panel, view.refresh, _REFRESH_S)
    await view.refresh()
    try:
        await dialog
    finally:
        timer.cancel()
        if not panel.client.is_deleted:
            dialog.delete()


class ProxyDialog:
    """``refresh`` shows what the office and its processes know now."""

    def __init__(self, panel: PanelContext, provider_id: str) -> None:
        self._panel = panel
        self._id = provider_id
        t = panel.t
        self._may_change = panel.can_change(AdminResource.PROVIDERS)
        html.h2(t("proxy.title")).classes("dialog-title")
        ui.label(t("proxy.lead")).classes("dialog-text")
        self._core: RedrawnSection[ProxyCoreState] = RedrawnSection(html.div(), self._draw_core)
        self._list = ProxyList(panel, f"cloud:{provider_id}", self.refresh)
        if self._may_change:
            LinkEntry(panel, provider_id, self.refresh)
        self._policy: RedrawnSection[ProxyPolicy] = RedrawnSection(html.div(), self._draw_policy)

    async def refresh(self) -> None:
        panel = self._panel
        try:
            panel.require_read(AdminResource.PROVIDERS)
            spec = await panel.services.office.providers.get(self._id)
            core = await panel.services.proxy_core()
            owned = await self._owned()
        except SecretaryError as error:
            panel.toast_error(error)
            return
        self._core.show(core)
        self._list.show(owned)
        self._policy.show(spec.proxy_policy)

    async def _owned(self) -> OwnedProxies | None:
        try:
            return await self._panel.services.office.proxies.get(f"cloud:{self._id}")
        except InvalidRequest:
            return None  # it has no links

    def _draw_core(self, core: ProxyCoreState) -> None:
        t = self._panel.t
        if core.installed:
            text = t("proxy.core", program=core.program or "xray", version=core.version)
            ui.label(text).classes("muted").props("data-core=installed")
            return
        with html.div().classes("notice llm-core").props("role=note data-core=missing"):
            html.strong(t("proxy.core_missing"))
            html.span(t("proxy.core_hint"))
            draw_command(self._panel, core.remedy or secretary_command("proxies install"))

    def _draw_policy(self, policy: ProxyPolicy) -> None:
        t = self._panel.t
        html.h3(t("proxy.policy")).classes("llm-subtitle")
        options = {"never_direct": t("proxy.never_direct"), "direct_allowed": t("proxy.direct_allowed")}
        radio = ui.radio(options, value=policy).props("dense").classes("llm-policy")
        radio.props["aria-label"] = t("proxy.policy")
        if self._may_change:
            radio.on_value_change(lambda e: self._choose_policy(e.value))
        else:
            radio.disable()

    async def _choose_policy(self, policy: ProxyPolicy) -> None:
        async def change() -> None:
            username = self._panel.require_change(AdminResource.PROVIDERS)
            await self._panel.services.office.providers.change(self._id, {"proxy_policy": policy}, username)

        await attempt(self._panel, change, self._panel.t("common.saved"))
        await self.refresh()
