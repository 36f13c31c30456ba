"""The channels by which people reach the secretary: their processes, settings and connections."""

from collections.abc import Collection
from dataclasses import dataclass

from nicegui import html, ui

from deployments.administration.office.report_ingest import DoorState
from deployments.administration.services.service_control import ServiceView
from ui.components.page_parts import Tone, pill
from ui.components.section import draw_empty_state
from ui.context import PanelContext
from ui.formatting import format_time_ago
from ui.panel_overview import PanelOverview
from ui.tabs.services.words import format_memory, format_uptime, state_text, state_tone
from ui.translations import Translator

_ICONS = {"gateway": "language", "phone": "call", "bots": "smart_toy", "office": "space_dashboard"}


@dataclass(frozen=True, slots=True)
class DoorLine:
    """One channel as it is shown. ``state`` and ``tone`` say whether it has the newest settings."""

    name: str
    title: str
    state: str
    tone: Tone
    connections: str
    facts: str


def door_lines(views: Collection[ServiceView], overview: PanelOverview, t: Translator) -> tuple[DoorLine, ...]:
    """One line for each channel that runs, or that reported in the last ten minutes."""
    services = {view.name: view for view in views if not view.controllable}
    reports: dict[str, list[DoorState]] = {}
    for door in overview.doors:
        reports.setdefault(door.door.partition("#")[0], []).append(door)
    names = dict.fromkeys((*services, *reports))
    return tuple(_line(name, services.get(name), reports.get(name, []), overview, t) for name in names)


def _line(
    name: str, view: ServiceView | None, doors: list[DoorState], overview: PanelOverview, t: Translator
) -> DoorLine:
    live = [door for door in doors if door in overview.live_doors]
    key = f"services.door.{name}"
    state, tone = _state(view, doors, live, overview, t)
    facts = []
    if len(live) > 1:
        facts.append(t.count("services.processes", len(live)))
    if view is not None and view.memory_mb is not None:
        facts.append(format_memory(view.memory_mb, t))
    uptimes = [each.uptime_seconds for each in view.replicas if each.uptime_seconds is not None] if view else []
    if uptimes:
        facts.append(t("services.running_for", time=format_uptime(max(uptimes), t)))
    if doors and not live:
        last = max(door.last_seen for door in doors)
        facts.append(t("services.last_heard", time=format_time_ago(last, t, overview.taken_at)))
    connections = t.count("services.connections", sum(door.live_streams for door in live)) if live else ""
    return DoorLine(name, t(key) if t.has(key) else name, state, tone, connections, " · ".join(facts))


def _state(
    view: ServiceView | None, doors: list[DoorState], live: list[DoorState], overview: PanelOverview, t: Translator
) -> tuple[str, Tone]:
    if view is not None and view.status not in ("running", "unknown"):
        return state_text(view.status, t), state_tone(view.status)
    if live:
        newest = all(door.revision >= overview.revision for door in live)
        return (t("services.newest_settings"), "good") if newest else (t("services.gets_settings"), "warn")
    if doors:
        return t("services.silent"), "bad"
    return (state_text(view.status, t), state_tone(view.status)) if view else (t("services.state.unknown"), "warn")


def draw_doors(panel: PanelContext, lines: tuple[DoorLine, ...]) -> None:
    if not lines:
        draw_empty_state("meeting_room", panel.t("services.no_doors"), panel.t("services.no_doors_hint"))
    for line in lines:
        with html.div().classes("services-door") as row:
            with html.span().classes("services-icon").props("aria-hidden=true"):
                ui.icon(_ICONS.get(line.name, "hub"))
            with html.div().classes("services-title"):
                html.h3(line.title)
                html.p(line.facts).classes("muted")
            html.span(line.connections).classes("services-connections")
            pill(line.state, line.tone)
        row.props["data-door"] = line.name
