"""What the secretary does now, and the errors of the last hour."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from nicegui import html

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.logs.log_files import LevelCount
from deployments.administration.services.service_control import ServiceView
from ui.components.page_parts import fact, pill
from ui.components.section import draw_empty_state
from ui.context import PanelContext
from ui.formatting import format_time_ago
from ui.panel_overview import PanelOverview
from ui.tabs.monitoring.meters import Meter, draw_meter
from ui.tabs.services.words import service_title

_SCALE_STEPS = (5, 20, 100, 1_000)


@dataclass(frozen=True, slots=True)
class LoadNow:
    """``queues``: the name of each service and how many requests wait for it."""

    answering: int
    connections: int
    waiting: int
    queues: tuple[tuple[str, int], ...]


def load_now(services: Mapping[str, ServiceView], overview: PanelOverview, panel: PanelContext) -> LoadNow:
    views = [view for view in services.values() if view.controllable]
    return LoadNow(
        answering=sum(replica.ongoing or 0 for view in views for replica in view.replicas),
        connections=overview.live_stream_count,
        waiting=sum(view.queue for view in views),
        queues=tuple((service_title(view, views, panel.t), view.queue) for view in views),
    )


def draw_load(panel: PanelContext, load: LoadNow) -> None:
    t = panel.t
    with html.dl().classes("monitoring-facts"):
        fact(t("monitoring.answering"), str(load.answering))
        fact(t("monitoring.waiting"), str(load.waiting))
        fact(t("monitoring.connections"), str(load.connections))
    if load.queues:
        html.h3(t("monitoring.queue"))
    most = max((queue for _, queue in load.queues), default=0)
    scale = next((step for step in _SCALE_STEPS if most <= step), most)
    for name, queue in load.queues:
        draw_meter(Meter(name, 100 * queue / scale, t.count("monitoring.in_queue", queue), alarms=False))


def draw_errors(panel: PanelContext, counts: tuple[LevelCount, ...]) -> None:
    t = panel.t
    if not counts:
        draw_empty_state("check_circle", t("monitoring.no_errors"))
        return
    with html.ul().classes("monitoring-errors"):
        for each in counts:
            with html.li():
                key = f"monitoring.process.{each.process}"
                pill(t(f"monitoring.level.{each.level}"), "warn" if each.level == "WARNING" else "bad")
                html.span(t(key) if t.has(key) else each.process).classes("monitoring-process")
                html.strong(t.count("monitoring.occurred", each.count))
                html.span(t("monitoring.last_time", time=format_time_ago(each.last, t))).classes("muted")
                if panel.can_read(AdminResource.LOGS):
                    query = urlencode({"process": each.process, "level": each.level})
                    link = html.a(t("monitoring.to_log"), href=f"{panel.root_path}/logs?{query}").classes("text-link")
                    link.props["aria-label"] = f"{t('monitoring.to_log')}: {each.process}"
