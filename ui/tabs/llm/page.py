"""The page with its sections; the open one is in the address."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from ui.components.page_parts import page_heading
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext, keep_tab_open
from ui.revisions import follow_changes
from ui.tabs.llm.chains import ChainSection
from ui.tabs.llm.local_models import LocalSection
from ui.tabs.llm.parameters import ParameterSection
from ui.tabs.llm.personas import PersonaSection
from ui.tabs.llm.providers import ProviderSection
from ui.url_state import UrlState


class PageSection(Protocol):
    """One section, drawn where it is created. ``refresh`` reads and shows what changed."""

    async def refresh(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Entry:
    """``resource`` is what its readers may read."""

    name: str
    title: str
    icon: str
    resource: AdminResource
    build: Callable[[PanelContext], PageSection]


_ENTRIES = (
    _Entry("local", "llm.local", "memory", AdminResource.LOCAL_MODELS, LocalSection),
    _Entry("providers", "llm.providers", "cloud", AdminResource.PROVIDERS, ProviderSection),
    _Entry("chains", "llm.chains", "link", AdminResource.PROMPTS, ChainSection),
    _Entry("personas", "llm.personas", "face", AdminResource.PROMPTS, PersonaSection),
    _Entry("parameters", "llm.parameters", "tune", AdminResource.PROMPTS, ParameterSection),
)


async def show(panel: PanelContext) -> None:
    page = LlmPage(panel)
    await page.refresh()
    async with keep_tab_open():
        refresh_while_visible(panel, page.refresh)
        follow_changes(panel, page.refresh)


class LlmPage:
    """Draws the section that is open."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._url = UrlState(panel)
        t = panel.t
        self._entries = {each.name: each for each in _ENTRIES if panel.can_read(each.resource)}
        chosen = self._url.get("section")
        if chosen not in self._entries:
            chosen = next(iter(self._entries))
        with html.div().classes("page llm"):
            page_heading(t("llm.title"), t("llm.lead"))
            with ui.tabs().classes("llm-tabs") as tabs:
                tabs.props("align=left no-caps inline-label dense")
                for entry in self._entries.values():
                    ui.tab(entry.name, label=t(entry.title), icon=entry.icon)
            tabs.set_value(chosen)
            tabs.on_value_change(lambda e: self._open(str(e.value)))
            self._content = html.div().classes("llm-section")
        self._draw(chosen)

    async def refresh(self) -> None:
        if not self._content.is_deleted:
            await self._section.refresh()

    async def _open(self, name: str) -> None:
        self._url.set(section=name, edit=None)
        self._draw(name)
        await self.refresh()

    def _draw(self, name: str) -> None:
        self._content.clear()
        with self._content:
            self._section = self._entries[name].build(self._panel)
