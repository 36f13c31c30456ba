"""The phone: a test call from the browser, a key for the telephone exchange, and the lines for its dial plan."""

from nicegui import html

from ui.tabs.phone.browser_call import BrowserCall
from ui.tabs.phone.connection import draw_connection
from ui.tabs.phone.gateway_keys import GatewayKeys
from ui.tabs.start.step import StepContext


async def draw(step: StepContext) -> None:
    with html.div().classes("start-stack"):
        html.p(step.panel.t("start.phone_text"))
        call = BrowserCall(step.panel, step.done)
        step.on_leave.append(call.close)
        keys = GatewayKeys(step.panel)
        draw_connection(step.panel)
    await keys.refresh()
