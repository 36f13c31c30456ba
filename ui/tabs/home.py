"""The dashboard: health, engines, doors and latency."""

from dataclasses import dataclass

from nicegui import html, ui

from deployments.administration.office.report_ingest import DoorState
from deployments.contracts.speech import EngineStatus
from ui.components.command_copy import draw_command
from ui.components.latency_card import LatencyCard
from ui.components.section import RedrawnSection, draw_empty_state, draw_skeleton
from ui.context import PanelContext, keep_tab_open
from ui.formatting import format_time_ago
from ui.panel_overview import PanelOverview, SystemHealth

_HEALTH_TEXTS = {
    SystemHealth.OK: "dashboard.health_ok",
    SystemHealth.DEGRADED: "dashboard.health_degraded",
    SystemHealth.DOWN: "dashboard.health_down",
}
_HEALTH_ICONS = {SystemHealth.OK: "check", SystemHealth.DEGRADED: "priority_high", SystemHealth.DOWN: "close"}
_KIND_ICONS = {"chat": "psychology", "speech": "record_voice_over", "recognition": "hearing", "faq": "quiz"}

Headline = tuple[SystemHealth, str, str, str, str, str]


def _state_text(engine: EngineStatus) -> str:
    if not engine.ready:
        return "dashboard.not_ready"
    return "dashboard.ready" if engine.healthy else "dashboard.failing"


@dataclass(frozen=True, slots=True)
class DoorRow:
    name: str
    state: str
    good: bool
    streams: int
    seen: str


async def show(panel: PanelContext) -> None:
    """Draws the tab and refreshes it while it is open."""
    dashboard = DashboardTab(panel)
    async with keep_tab_open():
        ui.timer(panel.refresh_interval_s, dashboard.refresh)


class DashboardTab:
    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        t = panel.t
        html.h1(t("nav.home")).classes("visually-hidden")
        with html.div().classes("dashboard"):
            headline = html.section().classes("card headline").props('role=status aria-live="polite"')
            with _card(t("dashboard.latency"), t("dashboard.last_hour"), "wide"):
                self._latency = LatencyCard(t)
            with _card(t("dashboard.engines")):
                engines = html.div().classes("engine-list")
            with _card(t("dashboard.doors")):
                doors = html.div().classes("door-list")
        self._headline: RedrawnSection[Headline] = RedrawnSection(headline, self._draw_headline)
        self._engines: RedrawnSection[tuple[EngineStatus, ...]] = RedrawnSection(engines, self._draw_engines)
        self._doors: RedrawnSection[tuple[DoorRow, ...]] = RedrawnSection(doors, self._draw_doors)
        for container in (headline, engines, doors):
            with container:
                draw_skeleton(3)

    async def refresh(self) -> None:
        overview = await self._panel.overview.get()
        self._headline.show(self._headline_of(overview))
        self._engines.show(overview.engines or ())
        self._doors.show(tuple(self._door_row(door, overview) for door in overview.doors))
        self._latency.show(overview.latency)

    def _headline_of(self, overview: PanelOverview) -> Headline:
        t = self._panel.t
        engines = overview.engines or ()
        sound = sum(engine.healthy for engine in engines)
        return (
            overview.health,
            t("dashboard.engines_silent") if overview.engines is None else "",
            t("dashboard.of", part=sound, whole=len(engines)),
            t("dashboard.of", part=overview.up_to_date_door_count, whole=len(overview.live_doors)),
            str(overview.revision),
            str(overview.live_stream_count),
        )

    def _door_row(self, door: DoorState, overview: PanelOverview) -> DoorRow:
        t = self._panel.t
        live = door in overview.live_doors
        return DoorRow(
            name=door.door,
            state=t("dashboard.at_revision", revision=door.revision) if live else t("dashboard.silent"),
            good=live and door.revision >= overview.revision,
            streams=door.live_streams if live else 0,
            seen=format_time_ago(door.last_seen, t, overview.taken_at),
        )

    def _draw_headline(self, view: Headline) -> None:
        t = self._panel.t
        health, note, engines, doors, revision, streams = view
        with html.div().classes(f"health health-{health}").props(f"data-health={health}"):
            with html.span().classes("health-sign").props("aria-hidden=true"):
                ui.icon(_HEALTH_ICONS[health])
            with html.div():
                html.div(t(_HEALTH_TEXTS[health])).classes("health-text")
                html.div(note or t("dashboard.replicas", doors=doors, revision=revision)).classes("health-note")
        with html.dl().classes("facts"):
            _fact(t("dashboard.engines_ready"), engines)
            _fact(t("dashboard.live_streams"), streams)
            _fact(t("dashboard.revision"), revision)

    def _draw_engines(self, engines: tuple[EngineStatus, ...]) -> None:
        if not engines:
            draw_empty_state("memory", self._panel.t("dashboard.no_engines"))
        for engine in engines:
            self._draw_engine(engine)

    def _draw_engine(self, engine: EngineStatus) -> None:
        t = self._panel.t
        with html.article().classes("engine"):
            with html.span().classes("engine-icon").props("aria-hidden=true"):
                ui.icon(_KIND_ICONS.get(engine.kind, "memory"))
            with html.div().classes("engine-body"):
                with html.div().classes("engine-line"):
                    html.span(engine.name).classes("engine-name")
                    _pill(t(_state_text(engine)), engine.healthy)
                html.div(" · ".join(part for part in (engine.engine, engine.model) if part)).classes("engine-model")
                if engine.error:
                    html.div(engine.error).classes("engine-error")
                if engine.remedy:
                    draw_command(self._panel, engine.remedy)

    def _draw_doors(self, rows: tuple[DoorRow, ...]) -> None:
        t = self._panel.t
        if not rows:
            draw_empty_state("meeting_room", t("dashboard.no_doors"), t("dashboard.no_doors_hint"))
            return
        for row in rows:
            with html.div().classes("door"):
                html.span(row.name).classes("door-name")
                _pill(row.state, row.good)
                html.span(t.count("dashboard.streams", row.streams)).classes("door-streams")
                html.span(row.seen).classes("door-seen")


def _card(title: str, note: str = "", size: str = "") -> ui.element:
    with html.section().classes(f"card {size}") as card, html.header().classes("card-header"):
        html.h2(title)
        if note:
            html.span(note).classes("card-note")
    element: ui.element = card
    return element


def _fact(name: str, value: str) -> None:
    with html.div().classes("fact"):
        html.dt(name)
        html.dd(value)


def _pill(text: str, good: bool) -> None:
    html.span(text).classes(f"pill {'pill-good' if good else 'pill-bad'}")
