"""Refreshes a page by a timer that rests while the tab of the browser is hidden (Page Visibility)."""

from collections.abc import Awaitable, Callable
from inspect import isawaitable

from nicegui import html, ui
from nicegui.events import GenericEventArguments

from ui.context import PanelContext

_WATCH = """
(() => {
  const tell = () => {
    const sensor = document.getElementById('%(id)s');
    if (sensor) sensor.dispatchEvent(new CustomEvent('visibility', {detail: document.visibilityState}));
    else document.removeEventListener('visibilitychange', tell);
  };
  document.addEventListener('visibilitychange', tell);
  if (document.hidden) setTimeout(tell, 500);
})()
"""


def refresh_while_visible(
    panel: PanelContext, refresh: Callable[[], Awaitable[None] | None], interval_s: float | None = None
) -> ui.timer:
    """Calls ``refresh`` every ``interval_s`` seconds (``panel.refresh_interval_s`` by default), and when the tab is
    shown again. Call it inside the page."""
    timer = ui.timer(interval_s or panel.refresh_interval_s, refresh, immediate=False)

    async def follow(event: GenericEventArguments) -> None:
        visible = event.args.get("detail") != "hidden"
        if visible == timer.active:
            return
        timer.active = visible
        if visible and isawaitable(result := refresh()):
            await result

    sensor = html.span().classes("visually-hidden").props("aria-hidden=true")
    sensor.on("visibility", follow, args=["detail"])
    panel.client.run_javascript(_WATCH % {"id": sensor.html_id})
    return timer
