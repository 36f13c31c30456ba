"""The navigation: the pages in groups at the side, with badges; on a small screen four of them and a sheet of all."""

from collections import Counter
from collections.abc import Sequence

from nicegui import html, ui

from ui.attention import AttentionNote
from ui.context import PanelContext
from ui.navigation import PanelTab, attention_of, tabs_by_group


class NavigationBar:
    """Draws the links inside the current element. ``refresh`` updates the badges, ``mark`` the current page."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._links: dict[str, list[html.a]] = {}
        self._badges: dict[str, list[ui.label]] = {}
        self._notes: tuple[AttentionNote, ...] = ()
        self._path = "/"
        groups = tabs_by_group(panel)
        for group, tabs in groups.items():
            self._draw_group(group, tabs)
        self._in_sheet = [tab for tabs in groups.values() for tab in tabs if not tab.on_phone]
        if self._in_sheet:
            self._draw_more(groups)

    async def refresh(self) -> None:
        """Shows how many things need attention at each page."""
        notes = await attention_of(self._panel)
        if notes != self._notes:
            self._notes = notes
            self._show_notes()

    def _show_notes(self) -> None:
        notes = self._notes
        counts = Counter[str]()
        for note in notes:
            counts[note.path] += note.count
        counts["more"] = sum(counts[tab.path] for tab in self._in_sheet)
        for path, badges in self._badges.items():
            reasons = "; ".join(self._panel.t.count(note.reason, note.count) for note in notes if note.path == path)
            bad = any(note.urgency == "bad" for note in notes if note.path == path)
            for badge in badges:
                _show_badge(badge, counts[path], bad=bad)
                _describe(badge, reasons)

    def mark(self, path: str) -> None:
        """Marks the link of the page ``path`` as the current one."""
        self._path = path
        here = path.partition("?")[0].partition("#")[0].rstrip("/") or "/"
        for link_path, links in self._links.items():
            current = link_path == here
            for link in links:
                link.props("aria-current=page" if current else None, remove=None if current else "aria-current")

    def _draw_group(self, group: str, tabs: Sequence[PanelTab]) -> None:
        t = self._panel.t
        with html.div().classes("nav-group").props(f'role=group aria-label="{t(group)}"'):
            html.div(t(group)).classes("nav-group-title").props("aria-hidden=true")
            for tab in tabs:
                link = self._draw_link(tab, "nav-link")
                link.props(f'title="{t(tab.title)}"')
                if tab.on_phone:
                    link.classes("nav-link-phone")

    def _draw_more(self, groups: dict[str, list[PanelTab]]) -> None:
        t = self._panel.t
        with ui.dialog().props("position=bottom") as sheet:
            inside = ui.element("div").classes("nav-sheet")
        sheet.props(f'aria-label="{t("nav.label")}"')

        def open_sheet() -> None:
            if not inside.default_slot.children:  # drawn when it is needed: it is large, and only a phone shows it
                with inside:
                    self._draw_sheet(groups, sheet)
                self.mark(self._path)
                self._show_notes()
            sheet.open()

        more = html.button(type="button").classes("nav-link nav-link-phone nav-more").props("aria-haspopup=dialog")
        with more.on("click", open_sheet):
            ui.icon("more_horiz").props("aria-hidden=true")
            html.span(t("nav.more")).classes("nav-text")
            self._draw_badge("more")

    def _draw_sheet(self, groups: dict[str, list[PanelTab]], sheet: ui.dialog) -> None:
        t = self._panel.t
        for group, tabs in groups.items():
            inside = [tab for tab in tabs if tab in self._in_sheet]
            if inside:
                html.h2(t(group)).classes("nav-sheet-title")
                with html.div().classes("nav-sheet-group").props(f'role=group aria-label="{t(group)}"'):
                    for tab in inside:
                        self._draw_link(tab, "nav-tile").on("click", sheet.close)

    def _draw_link(self, tab: PanelTab, look: str) -> html.a:
        with html.a(href=f"{self._panel.root_path}{tab.path}").classes(look) as link:
            ui.icon(tab.icon).props("aria-hidden=true")
            title = html.span(self._panel.t(tab.title)).classes("nav-text")
            if tab.short and look == "nav-link":
                title.classes("nav-long")
                html.span(self._panel.t(tab.short)).classes("nav-text nav-short")
            self._draw_badge(tab.path)
        self._links.setdefault(tab.path, []).append(link)
        return link

    def _draw_badge(self, path: str) -> None:
        badge = ui.label().classes("nav-badge").props("aria-hidden=true")
        badge.visible = False
        self._badges.setdefault(path, []).append(badge)


def _show_badge(badge: ui.label, count: int, *, bad: bool) -> None:
    badge.visible = count > 0
    badge.text = str(count) if count < 100 else "99+"
    badge.classes(**{"add" if bad else "remove": "nav-badge-bad"})


def _describe(badge: ui.label, reasons: str) -> None:
    """Gives the link of ``badge`` its reasons, as a tooltip and for screen readers."""
    if badge.parent_slot is not None:
        for element, name in ((badge.parent_slot.parent, "aria-description"), (badge, "title")):
            if reasons:
                element.props[name] = reasons
            else:
                element.props.pop(name, None)
