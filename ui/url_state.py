"""Filters and pages of a list in the address of the page, so that they survive a reload and can be sent as a link."""

import json
from urllib.parse import parse_qsl, urlencode

from nicegui import ui

from ui.context import PanelContext


class UrlState:
    """The query of the open page: create it when the page is drawn. ``set`` replaces the address without a new entry in
    the history of the browser; empty values are left out."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._router = ui.context.client.sub_pages_router
        self._path, _, query = self._router.current_path.partition("#")[0].partition("?")
        self._values = dict(parse_qsl(query))

    def get(self, name: str, default: str = "") -> str:
        return self._values.get(name, default)

    def number(self, name: str, default: int, least: int = 0) -> int:
        """The value as a number; ``default`` for anything that is none, or below ``least``."""
        text = self._values.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least else default

    def clear(self) -> None:
        """Forgets all values; the address changes with the next ``set``."""
        self._values.clear()

    def set(self, **values: str | int | None) -> None:
        for name, value in values.items():
            if value in (None, ""):
                self._values.pop(name, None)
            else:
                self._values[name] = str(value)
        query = urlencode(self._values)
        self._router.current_path = f"{self._path}?{query}" if query else self._path
        address = json.dumps(f"{self._panel.root_path}{self._router.current_path}")
        self._panel.client.run_javascript(f"history.replaceState(history.state, '', {address})")
