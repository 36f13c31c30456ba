"""Whether the secretary works, and what needs attention, with a link for each."""

from dataclasses import dataclass

from nicegui import html, ui

from ui.attention import AttentionNote
from ui.context import PanelContext
from ui.navigation import TABS
from ui.panel_overview import PanelOverview, SystemHealth

_HEALTH_TEXTS = {
    SystemHealth.OK: "home.health_ok",
    SystemHealth.DEGRADED: "home.health_degraded",
    SystemHealth.DOWN: "home.health_down",
}
_HEALTH_ICONS = {SystemHealth.OK: "check", SystemHealth.DEGRADED: "priority_high", SystemHealth.DOWN: "close"}


@dataclass(frozen=True, slots=True)
class AttentionView:
    health: SystemHealth
    live_streams: int
    notes: tuple[AttentionNote, ...]


def attention_view(overview: PanelOverview, notes: tuple[AttentionNote, ...]) -> AttentionView:
    """The view without the notes about this page, which it shows itself."""
    return AttentionView(overview.health, overview.live_stream_count, tuple(note for note in notes if note.path != "/"))


def draw_attention(panel: PanelContext, view: AttentionView) -> None:
    t = panel.t
    with html.div().classes(f"health health-{view.health}").props(f"data-health={view.health}"):
        with html.span().classes("health-sign").props("aria-hidden=true"):
            ui.icon(_HEALTH_ICONS[view.health])
        with html.div():
            html.div(t(_HEALTH_TEXTS[view.health])).classes("health-text")
            html.div(t.count("home.now", view.live_streams)).classes("health-note")
    if not view.notes:
        return
    titles = {tab.path: tab.title for tab in TABS}
    with html.ul().classes("home-notes").props(f'aria-label="{t("home.attention")}"'):
        for note in view.notes:
            with html.li().classes(f"home-note home-note-{note.urgency}"):
                html.span(_note_text(panel, note))
                with html.a(href=f"{panel.root_path}{note.path}").classes("text-link"):
                    html.span(t("home.open", page=t(titles[note.path])))


def _note_text(panel: PanelContext, note: AttentionNote) -> str:
    text = panel.t.count(note.reason, note.count)
    return f"{text}: {', '.join(note.names)}" if note.names else text
