"""The list of conversations beside the open one: search, rename, group by source, select and delete."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.chat.sessions import SessionFilter
from deployments.contracts.chat import SourceKind
from deployments.contracts.errors import SecretaryError
from deployments.contracts.identity import Role
from deployments.contracts.sessions import StoredSession
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.page_parts import icon_button, show_search_icon
from ui.components.section import RedrawnSection, draw_empty_state
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.tabs.chat.history_row import HistoryRow, session_title

_PAGE_SIZE = 40
_MINE, _ALL = "mine", ""
_SOURCES = {
    SourceKind.ADMIN: "chat.source_admin",
    SourceKind.TELEGRAM: "chat.source_telegram",
    SourceKind.WIDGET: "chat.source_widget",
    SourceKind.PHONE: "chat.source_phone",
    SourceKind.API: "chat.source_api",
}


@dataclass(frozen=True, slots=True)
class _View:
    sessions: tuple[StoredSession, ...]
    total: int
    current: str
    selecting: bool
    renamed: str
    day: str


class HistoryRail:
    """``on_removed`` is awaited with the ids of deleted conversations, ``on_renamed`` after a new title."""

    def __init__(
        self,
        panel: PanelContext,
        on_removed: Callable[[tuple[str, ...]], Awaitable[None]],
        on_renamed: Callable[[], Awaitable[None]],
    ) -> None:
        self._panel = panel
        self._on_removed = on_removed
        self._on_renamed = on_renamed
        self._current = ""
        self._limit = _PAGE_SIZE
        self._query = ""
        self._source = _MINE
        self._selecting = False
        self._selected: set[str] = set()
        self._renamed = ""
        t = panel.t
        with html.aside().classes("chat-history").props(f'aria-label="{t("chat.history")}"') as self._rail:
            with html.div().classes("chat-history-head"):
                html.h2(t("chat.history"))
                self._select = icon_button("checklist", t("chat.select"), self._toggle_selecting)
                icon_button("close", t("common.close"), self.close).classes("chat-history-close")
            self._build_filter()
            with html.div().classes("chat-selection") as self._selection:
                self._count = ui.label()
                self._delete = ui.button(t("common.delete"), on_click=self._remove_selected).props(
                    "flat dense no-caps aria-haspopup=dialog"
                )
                ui.button(t("chat.select_all"), on_click=self._select_all).props("flat dense no-caps")
            self._list: RedrawnSection[_View] = RedrawnSection(html.div().classes("chat-entries"), self._draw)
        self._backdrop = html.div().classes("chat-backdrop").on("click", self.close)
        self._selection.set_visibility(False)
        self._rail.on("keydown.escape", self.close)
        self._sessions: tuple[StoredSession, ...] = ()
        self._total = 0

    def open(self) -> None:
        """Shows the list on a small screen, where it is a drawer."""
        self._rail.classes("open")
        self._backdrop.classes("open")

    def close(self) -> None:
        self._rail.classes(remove="open")
        self._backdrop.classes(remove="open")

    async def refresh(self, current: str | None = None) -> None:
        """Reads the list again. ``current`` is the id of the open conversation, None: as before."""
        self._current = self._current if current is None else current
        caller = self._panel.session.identity
        owner = caller.username if self._source == _MINE else None
        source = SourceKind.ADMIN.value if self._source == _MINE else self._source or None
        try:
            found = await self._panel.services.chats.page(
                caller, SessionFilter(source=source, owner=owner, text=self._query), self._limit, 0
            )
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._sessions, self._total = found
        self._show()

    def _show(self) -> None:
        today = f"{datetime.now(self._zone):%Y-%m-%d}"
        self._list.show(_View(self._sessions, self._total, self._current, self._selecting, self._renamed, today))
        self._show_selection()

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self._panel.services.publisher.current.settings.time_zone)

    def _build_filter(self) -> None:
        t = self._panel.t
        search = TextInput(placeholder=t("chat.search"), on_change=lambda e: self._filter(query=e.value or ""))
        search.props(f'outlined dense clearable debounce=250 aria-label="{t("chat.search")}"')
        show_search_icon(search)
        if self._panel.session.role.covers(Role.OPERATOR):
            options = {_MINE: t("chat.source_mine"), _ALL: t("chat.source_all")}
            options |= {kind.value: t(key) for kind, key in _SOURCES.items()}
            choice = ui.select(options, value=_MINE, on_change=lambda e: self._filter(source=e.value))
            choice.props("outlined dense options-dense")
            choice.props["aria-label"] = t("chat.source")

    async def _filter(self, query: str | None = None, source: str | None = None) -> None:
        self._query = self._query if query is None else query
        self._source = self._source if source is None else source
        self._limit = _PAGE_SIZE
        await self.refresh()

    def _draw(self, view: _View) -> None:
        t = self._panel.t
        if not view.sessions:
            draw_empty_state("search_off" if self._query else "forum", t("chat.no_history"))
            return
        grouped = self._source == _ALL
        for kind, key in _SOURCES.items() if grouped else ():
            own = [session for session in view.sessions if session.source.kind is kind]
            if own:
                html.h3(t(key)).classes("chat-group")
                self._draw_rows(own, view)
        if not grouped:
            self._draw_rows(view.sessions, view)
        if view.total > len(view.sessions):
            ui.button(t("chat.more_history"), on_click=self._show_more).props("flat dense no-caps")

    def _draw_rows(self, sessions: list[StoredSession] | tuple[StoredSession, ...], view: _View) -> None:
        row = HistoryRow(self._panel, self._zone, self._start_rename, self._rename, self._mark, self.close)
        with html.ul().classes("chat-group-rows"):
            for session in sessions:
                selected = session.id in self._selected if view.selecting else None
                row.draw(session, session.id == view.current, selected, renaming=session.id == view.renamed)

    async def _show_more(self) -> None:
        self._limit += _PAGE_SIZE
        await self.refresh()

    def _start_rename(self, session_id: str) -> None:
        self._renamed = session_id
        self._show()

    async def _rename(self, session: StoredSession, title: str | None) -> None:
        self._renamed = ""
        if title is not None and title.strip() and title.strip() != session.title:
            try:
                self._panel.require_change(AdminResource.CONVERSATIONS)
                await self._panel.services.chats.change(
                    self._panel.session.identity, session.id, session.version, title=title, edit=lambda before: before
                )
            except SecretaryError as error:
                self._panel.toast_error(error)
            else:
                await self._on_renamed()
        await self.refresh()

    def _toggle_selecting(self) -> None:
        self._selecting = not self._selecting
        self._selected.clear()
        self._select.props(f"aria-pressed={'true' if self._selecting else 'false'}")
        self._show()

    def _mark(self, session_id: str, selected: bool) -> None:
        (self._selected.add if selected else self._selected.discard)(session_id)
        self._show_selection()

    def _select_all(self) -> None:
        self._selected = {session.id for session in self._sessions}
        self._selecting = False
        self._show()
        self._selecting = True
        self._show()

    def _show_selection(self) -> None:
        self._selection.set_visibility(self._selecting)
        self._count.text = self._panel.t.count("chat.selected", len(self._selected))
        self._delete.set_enabled(bool(self._selected))

    async def _remove_selected(self) -> None:
        if await self.remove(tuple(self._selected)):
            self._toggle_selecting()
            await self.refresh()

    async def remove(self, session_ids: tuple[str, ...]) -> bool:
        """Asks, and deletes conversations. Returns whether they were deleted."""
        t, panel = self._panel.t, self._panel
        title = t.count("chat.delete_title", len(session_ids))
        yes, no = t("common.delete"), t("common.cancel")
        if not await ask_confirmation(panel.client, title, self._removal_text(session_ids), yes, no):
            return False
        try:
            panel.require_change(AdminResource.CONVERSATIONS)
            removed = await panel.services.chats.remove(panel.session.identity, session_ids)
        except SecretaryError as error:
            panel.toast_error(error)
            return False
        panel.toast(t.count("chat.deleted", removed))
        await self._on_removed(session_ids)
        return True

    def _removal_text(self, session_ids: tuple[str, ...]) -> str:
        names = [session_title(each, self._panel.t) for each in self._sessions if each.id in session_ids]
        return "; ".join(names[:5]) + ("…" if len(session_ids) > 5 else "")
