"""The phone: lines now, a test call, keys of gateways and how to connect one."""

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from ui.components.page_parts import page_heading
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext, keep_tab_open
from ui.tabs.phone.browser_call import BrowserCall
from ui.tabs.phone.connection import draw_connection
from ui.tabs.phone.gateway_keys import GatewayKeys
from ui.tabs.phone.lines import PhoneLines


async def show(panel: PanelContext) -> None:
    t = panel.t
    with html.div().classes("page phone"):
        page_heading(t("phone.title"), t("phone.lead"))
        lines = PhoneLines(panel)
        call = BrowserCall(panel)
        keys = GatewayKeys(panel) if panel.can_read(AdminResource.KEYS) else None
        if keys is None:
            ui.label(t("phone.keys_by_admin")).classes("notice").props("role=note")
        else:
            await keys.refresh()
        draw_connection(panel)
    lines.refresh()
    try:
        async with keep_tab_open():
            refresh_while_visible(panel, lines.refresh, min(1.0, panel.refresh_interval_s))
    finally:
        await call.close()
