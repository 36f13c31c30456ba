"""Keeps an open page in step with changes that are made elsewhere: in another tab, by another user, by REST."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext

CHECK_INTERVAL_S = 1.0


def follow_changes(panel: PanelContext, refresh: Callable[[], Awaitable[None]]) -> ui.timer:
    """Awaits ``refresh`` after each change of the configuration, while the page is shown. Call it inside the page."""
    seen = panel.services.publisher.current.revision

    async def check() -> None:
        nonlocal seen
        revision = panel.services.publisher.current.revision
        if revision != seen:
            seen = revision
            await refresh()

    return refresh_while_visible(panel, check, CHECK_INTERVAL_S)
