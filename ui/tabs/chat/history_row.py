"""One conversation in the list."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from nicegui import html, ui

from deployments.contracts.sessions import StoredSession
from ui.components.page_parts import icon_button
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.translations import Translator

_MAX_TITLE_LENGTH = 255


def session_title(session: StoredSession, t: Translator) -> str:
    return session.title or session.display_name or session.last_message or t("chat.untitled")


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """``on_mark`` gets the id and whether it is selected, ``on_rename`` the new title or None when it stays."""

    panel: PanelContext
    zone: ZoneInfo
    start_rename: Callable[[str], None]
    on_rename: Callable[[StoredSession, str | None], Awaitable[None]]
    on_mark: Callable[[str, bool], None]
    on_open: Callable[[], None]

    def draw(self, session: StoredSession, is_current: bool, selected: bool | None, *, renaming: bool) -> None:
        """``selected`` is None when conversations are not being selected."""
        t = self.panel.t
        title = session_title(session, t)
        with html.li().classes("chat-entry chat-entry-current" if is_current else "chat-entry"):
            if renaming:
                self._draw_rename(session, title)
                return
            if selected is not None:
                box = ui.checkbox(value=selected, on_change=lambda e: self.on_mark(session.id, bool(e.value)))
                box.props("dense").props["aria-label"] = t("chat.select_one", title=title)
            with html.a(href=f"{self.panel.root_path}/chat?id={session.id}").classes("chat-entry-link") as link:
                html.span(title).classes("chat-entry-title")
                html.span(self._note(session)).classes("chat-entry-note")
            link.on("click", self.on_open)
            if is_current:
                link.props("aria-current=page")
            if selected is None:
                icon_button("edit", t("chat.rename_of", title=title), lambda: self.start_rename(session.id))

    def _note(self, session: StoredSession) -> str:
        moment = session.updated_at or session.created_at
        owner = session.owner if session.owner != self.panel.session.username else ""
        who = owner or (session.display_name if session.title else "")
        return " · ".join(part for part in (_short_moment(moment, self.zone), who) if part)

    def _draw_rename(self, session: StoredSession, title: str) -> None:
        field = TextInput(value=session.title or title).props(f"outlined dense autofocus maxlength={_MAX_TITLE_LENGTH}")
        field.props["aria-label"] = self.panel.t("chat.rename")
        field.classes("chat-entry-field")
        field.on("keydown.enter", lambda: self.on_rename(session, str(field.value or "")))
        field.on("keydown.escape.stop", lambda: self.on_rename(session, None))
        icon_button("check", self.panel.t("common.save"), lambda: self.on_rename(session, str(field.value or "")))


def _short_moment(moment: datetime | None, zone: ZoneInfo) -> str:
    """The time of today, else the date."""
    if moment is None:
        return ""
    local, today = moment.astimezone(zone), datetime.now(UTC).astimezone(zone)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    return f"{local:%d.%m}" if local.year == today.year else f"{local:%d.%m.%Y}"
