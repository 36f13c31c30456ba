"""The list of conversations, one page at a time."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from nicegui import html, ui

from deployments.contracts.sessions import StoredSession
from ui.components.section import draw_empty_state
from ui.context import PanelContext
from ui.formatting import format_time_ago

PAGE_SIZE = 25
_ICONS = {"admin": "forum", "api": "api", "telegram": "send", "widget": "web", "phone": "call"}


def conversation_path(session_id: str) -> str:
    return f"/conversations?id={quote(session_id)}"


def draw_list(panel: PanelContext, sessions: tuple[StoredSession, ...], *, filtered: bool) -> None:
    """The rows, each a link to its conversation, or a note that there are none."""
    t = panel.t
    if not sessions:
        if filtered:
            draw_empty_state("search_off", t("talks.nothing_found"), t("talks.nothing_found_hint"))
        else:
            draw_empty_state("forum", t("talks.empty"), t("talks.empty_hint"))
        return
    with html.ul().classes("talks-list"):
        for session in sessions:
            with html.li(), html.a(href=f"{panel.root_path}{conversation_path(session.id)}").classes("talks-row"):
                ui.icon(_ICONS.get(session.source.kind.value, "forum")).classes("talks-icon").props("aria-hidden=true")
                with html.div().classes("talks-words"):
                    html.span(session.title or t("talks.untitled")).classes("talks-title")
                    html.span(session.last_message).classes("talks-last")
                with html.div().classes("talks-meta"):
                    html.span(channel_text(panel, session))
                    html.span(person_text(panel, session)).classes("talks-person")
                    if session.updated_at:
                        html.span(format_time_ago(session.updated_at, t))


def channel_text(panel: PanelContext, session: StoredSession) -> str:
    """The channel, with the name of its bot or widget."""
    kind, instance = session.source.kind.value, session.source.instance_id
    named = (*panel.services.publisher.current.bots, *panel.services.publisher.current.widgets)
    name = next((each.name for each in named if each.id == instance), instance)
    return " · ".join(part for part in (panel.t(f"channel.{kind}"), name) if part)


def person_text(panel: PanelContext, session: StoredSession) -> str:
    return session.display_name or session.owner or session.person or panel.t("talks.nobody")


def draw_pages(panel: PanelContext, total: int, page: int, on_page: Callable[[int], Awaitable[None]]) -> None:
    html.span(panel.t.count("talks.found", total)).classes("talks-total")
    pages = -(-total // PAGE_SIZE)
    if pages > 1:
        pagination = ui.pagination(1, pages, value=page, on_change=lambda event: on_page(event.value))
        pagination.props("max-pages=5 boundary-numbers direction-links flat")
