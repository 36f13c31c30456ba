"""The sections of a long page: one is shown, and its name is in the address."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from nicegui import html, ui

from ui.context import PanelContext
from ui.url_state import UrlState


@dataclass(frozen=True, slots=True)
class SubTab:
    """``title`` is the translated name; ``draw`` fills the section."""

    title: str
    icon: str
    draw: Callable[[], Awaitable[None]]


class SubTabs:
    """``show`` draws the section of the address, the first one without any. Other values of the address belong to one
    section and are dropped when another one is chosen."""

    def __init__(self, panel: PanelContext, url: UrlState, tabs: Mapping[str, SubTab], label: str) -> None:
        self._url = url
        self._tabs = tabs
        self._first = next(iter(tabs))
        wanted = url.get("tab", self._first)
        self._chosen = wanted if wanted in tabs else self._first
        with ui.tabs() as bar:
            for name, tab in tabs.items():
                ui.tab(name, tab.title, tab.icon)
        bar.value = self._chosen
        bar.on_value_change(lambda e: self._choose(str(e.value)))
        bar.classes("sub-tabs").props(
            "no-caps inline-label outside-arrows mobile-arrows align=left active-color=primary"
        )
        bar.props["aria-label"] = label
        self._content = html.div().classes("sub-tab")

    async def show(self) -> None:
        self._content.clear()
        with self._content:
            await self._tabs[self._chosen].draw()

    async def _choose(self, name: str) -> None:
        self._url.clear()
        self._chosen = name
        self._url.set(tab=None if name == self._first else name)
        await self.show()
