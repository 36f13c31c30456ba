"""The settings: every field in groups, with search, history, state of the programs, export and import."""

import asyncio

from nicegui import html

from deployments.administration.auth.permissions import AdminResource
from ui.components.command_copy import draw_command
from ui.components.page_parts import card, page_heading, read_only_note, show_search_icon
from ui.components.section import draw_empty_state
from ui.components.text_fields import TextInput
from ui.context import PanelContext, keep_tab_open
from ui.revisions import follow_changes
from ui.tabs.settings.choices import read_choices
from ui.tabs.settings.group_card import GroupCard
from ui.tabs.settings.groups import GROUPS, group_title
from ui.tabs.settings.rollout import draw_rollout
from ui.tabs.settings.transfer import draw_transfer_buttons
from ui.url_state import UrlState

SEARCH_DEBOUNCE_MS = 200
_FIRST_PAINT_S = 0.05
"""The page has a thousand elements: the first group is sent and painted before the others are drawn."""


async def show(panel: PanelContext) -> None:
    page = SettingsPage(panel)
    await page.build()
    async with keep_tab_open():
        pass


class SettingsPage:
    """All groups. ``q`` in the address is the search, ``group`` the group to scroll to."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._state = UrlState(panel)
        self._cards: list[GroupCard] = []

    async def build(self) -> None:
        panel, t = self._panel, self._panel.t
        choices = await read_choices(panel)
        with html.div().classes("page settings"):
            with page_heading(t("settings.title"), t("settings.lead")):
                draw_transfer_buttons(panel)
            read_only_note(panel, AdminResource.SETTINGS)
            draw_rollout(panel)
            self._draw_search()
            self._draw_links()
            groups = html.div().classes("settings-groups")
            with html.div() as self._nothing:
                draw_empty_state("search_off", t("settings.nothing_found"), t("settings.nothing_found_hint"))
            with card(t("settings.restart_title")):
                html.p(t("settings.restart_text")).classes("muted")
                draw_command(panel, t("settings.restart_command"))
        self._nothing.set_visibility(False)
        first, *_ = GROUPS
        for group in GROUPS:
            with groups:
                self._cards.append(GroupCard(panel, group, choices, self.refresh))
            self._cards[-1].show_matching(_words(self._state.get("q")))
            await asyncio.sleep(_FIRST_PAINT_S if group == first else 0)  # other requests are answered meanwhile
        self._filter(self._state.get("q"))
        await self.refresh()
        follow_changes(panel, self.refresh)
        if group := self._state.get("group"):
            self._scroll_to(group)

    async def refresh(self) -> None:
        """Shows what is stored; what was entered here stays."""
        snapshot = self._panel.services.publisher.current
        merged = [card.update(snapshot.settings, snapshot.revision) for card in self._cards]
        if any(merged):
            self._panel.toast(self._panel.t("settings.merged"), "info")

    def _draw_search(self) -> None:
        t = self._panel.t
        search = TextInput(
            placeholder=t("settings.search"),
            value=self._state.get("q"),
            on_change=lambda e: self._search(e.value or ""),
        )
        search.props(f'outlined dense clearable debounce={SEARCH_DEBOUNCE_MS} aria-label="{t("settings.search")}"')
        show_search_icon(search)

    def _draw_links(self) -> None:
        t = self._panel.t
        with html.nav().classes("settings-links").props(f'aria-label="{t("settings.groups")}"'):
            for group in GROUPS:
                link = html.button(group_title(group, t), type="button").classes("chip settings-link")
                link.on("click", lambda group=group: self._open(group))

    def _open(self, group: str) -> None:
        self._state.set(group=group)
        self._scroll_to(group)

    def _scroll_to(self, group: str) -> None:
        if group in GROUPS:
            self._panel.client.run_javascript(f"document.getElementById('settings-{group}')?.scrollIntoView()")

    def _search(self, text: str) -> None:
        self._state.set(q=text)
        self._filter(text)

    def _filter(self, text: str) -> None:
        shown = [card.show_matching(_words(text)) for card in self._cards]
        self._nothing.set_visibility(not any(shown))


def _words(text: str) -> list[str]:
    return text.casefold().split()
