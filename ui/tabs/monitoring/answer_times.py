"""How long answers take: one tile for each stage in words, of one way of answering or of all, and a plot."""

from collections.abc import Sequence
from dataclasses import dataclass

from nicegui import html, ui

from deployments.administration.office.report_ingest import StageLatencyPoint
from ui.components.latency_plot import STAGES, chart_options, latency_series, route_text
from ui.components.section import RedrawnSection, draw_empty_state
from ui.context import PanelContext
from ui.formatting import format_duration
from ui.url_state import UrlState

_ALL = "*"
"""In the list of routes. "" is the route of turns that ended before a route was chosen."""


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Of the last hour: half of ``count`` turns took at most about ``p50_ms``, 19 of 20 at most ``p95_ms``."""

    stage: str
    count: int
    p50_ms: float
    p95_ms: float


def stage_times(points: Sequence[StageLatencyPoint], route: str | None) -> tuple[StageTimes, ...]:
    """One entry for each measured stage of ``route``, in the order of a turn; None means all routes. Minutes count by
    their number of turns; of the slow ones the worst minute counts."""
    found = []
    for stage in STAGES:
        own = [point for point in points if point.stage == stage and route in (None, point.route)]
        count = sum(point.count for point in own)
        if count:
            p50_ms = sum(point.p50_ms * point.count for point in own) / count
            found.append(StageTimes(stage, count, round(p50_ms, 2), max(point.p95_ms for point in own)))
    return tuple(found)


class AnswerTimes:
    """Built in the current slot. The chosen route and stage are in the address (``route``, ``stage``)."""

    def __init__(self, panel: PanelContext, url: UrlState) -> None:
        self._panel = panel
        self._url = url
        self._points: tuple[StageLatencyPoint, ...] = ()
        t = panel.t
        self._route = ui.select({_ALL: t("monitoring.all_routes")}, value=_ALL, label=t("monitoring.route"))
        self._route.props("outlined dense options-dense").classes("monitoring-route")
        self._route.on_value_change(lambda event: self._choose(route=event.value))
        self._tiles: RedrawnSection[tuple[tuple[StageTimes, ...], str]] = RedrawnSection(
            html.div().classes("stage-tiles").props(f'role=group aria-label="{t("monitoring.stages")}"'), self._draw
        )
        self._empty: RedrawnSection[bool] = RedrawnSection(html.div(), self._draw_empty)
        self._chart = ui.echart({}, renderer="svg").classes("chart").props("role=img")
        self._drawn: object = None

    def show(self, points: tuple[StageLatencyPoint, ...]) -> None:
        self._points = points
        t = self._panel.t
        routes = sorted({point.route for point in points})
        wanted = self._url.get("route", _ALL)
        route = wanted if wanted in routes else _ALL
        options = {_ALL: t("monitoring.all_routes")} | {each: route_text(each, t) for each in routes}
        if options != self._route.options or route != self._route.value:
            self._route.set_options(options, value=route)
        times = stage_times(points, None if route == _ALL else route)
        stages = [each.stage for each in times]
        stage = self._url.get("stage") if self._url.get("stage") in stages else next(iter(stages), "")
        self._tiles.show((times, stage))
        self._empty.show(not times)
        self._route.set_visibility(bool(times))
        self._plot(tuple(p for p in points if p.stage == stage and route in (_ALL, p.route)), stage)

    def _choose(self, **values: str) -> None:
        self._url.set(**{name: None if value == _ALL else value for name, value in values.items()})
        self.show(self._points)

    def _plot(self, points: tuple[StageLatencyPoint, ...], stage: str) -> None:
        if points == self._drawn:
            return
        self._drawn = points
        t = self._panel.t
        self._chart.set_visibility(bool(points))
        self._chart.options.clear()
        self._chart.options.update(chart_options(latency_series(points, stage, t), t))
        self._chart.update()
        self._chart.props["aria-label"] = t("monitoring.plot_of", stage=t(f"monitoring.stage.{stage}")) if stage else ""

    def _draw(self, view: tuple[tuple[StageTimes, ...], str]) -> None:
        t = self._panel.t
        times, chosen = view
        for each in times:
            button = html.button(type="button").classes("stage-tile")
            button.props["aria-pressed"] = "true" if each.stage == chosen else "false"
            button.props["data-stage"] = each.stage
            with button:
                html.span(t(f"monitoring.stage.{each.stage}")).classes("stage-name")
                html.span(format_duration(each.p50_ms, t)).classes("stage-value")
                html.span(t("monitoring.half")).classes("stage-tail")
                html.span(t("monitoring.most", time=format_duration(each.p95_ms, t))).classes("stage-tail")
                html.span(t.count("monitoring.measured", each.count)).classes("stage-tail")
            button.on("click", lambda stage=each.stage: self._choose(stage=stage))

    def _draw_empty(self, empty: bool) -> None:
        if empty:
            draw_empty_state(
                "show_chart", self._panel.t("monitoring.no_times"), self._panel.t("monitoring.no_times_hint")
            )
