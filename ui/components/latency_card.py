"""Latency of the last hour: one tile for each stage with its newest values, and a chart of the selected stage."""

from collections.abc import Sequence
from dataclasses import dataclass

from nicegui import html, ui

from deployments.administration.office.report_ingest import StageLatencyPoint
from ui.components.section import RedrawnSection, draw_empty_state
from ui.formatting import format_duration
from ui.translations import Translator

STAGES = ("first_token", "first_audio", "sentence", "faq", "total")
_TITLES = {
    "first_token": "stage.first_token",
    "first_audio": "stage.first_audio",
    "sentence": "stage.sentence",
    "faq": "stage.faq",
    "total": "stage.total",
}
_ROUTE_TEXTS = {"": "route.all", "local": "route.local", "faq": "route.faq", "fallback": "route.fallback"}
GREY = "#84908d"
_COLOURS = ("#17a08c", "#d9822b", "#6d7bd6", "#c2558f", "#7a9a2e")


@dataclass(frozen=True, slots=True)
class StageTile:
    """The newest values of a stage, of the route with the most turns."""

    stage: str
    p50_ms: float
    p95_ms: float
    selected: bool


def stage_tiles(points: Sequence[StageLatencyPoint], selected: str) -> tuple[StageTile, ...]:
    """One tile for each measured stage, in the order in which a turn passes them."""
    newest: dict[str, StageLatencyPoint] = {}
    for point in points:
        current = newest.get(point.stage)
        if current is None or (point.at, point.count) >= (current.at, current.count):
            newest[point.stage] = point
    return tuple(
        StageTile(stage, newest[stage].p50_ms, newest[stage].p95_ms, stage == selected)
        for stage in STAGES
        if stage in newest
    )


def latency_series(points: Sequence[StageLatencyPoint], stage: str, t: Translator) -> list[dict[str, object]]:
    """ECharts series of one stage. Each route has a line for half of its turns, and a thin one for 19 of 20."""
    routes = sorted({point.route for point in points if point.stage == stage})
    drawn: list[dict[str, object]] = []
    for route, colour in zip(routes, _COLOURS * (len(routes) // len(_COLOURS) + 1), strict=False):
        route_points = [point for point in points if point.stage == stage and point.route == route]
        name = route_text(route, t)
        p50 = [[point.at.timestamp() * 1_000, round(point.p50_ms, 1)] for point in route_points]
        p95 = [[point.at.timestamp() * 1_000, round(point.p95_ms, 1)] for point in route_points]
        drawn.append(_line(name, p50, colour, width=2.5, fill=0.10))
        drawn.append(_line(t("monitoring.most_turns", name=name), p95, colour, width=1.2, fill=0.0))
    return drawn


def route_text(route: str, t: Translator) -> str:
    """The name of a route for users. A cloud route is named for its provider, a local one for its model."""
    key = _ROUTE_TEXTS.get(route)
    if route.startswith("local:"):
        return f"{t('route.local')} {route.removeprefix('local:')}"
    return t(key) if key else route.removeprefix("cloud:")


def _line(name: str, data: list[list[float]], colour: str, *, width: float, fill: float) -> dict[str, object]:
    style: dict[str, object] = {"width": width, "color": colour, "type": "solid" if fill else "dashed"}
    return {
        "name": name,
        "type": "line",
        "data": data,
        "showSymbol": len(data) < 3,
        "symbolSize": 6,
        "smooth": 0.25,
        "lineStyle": style,
        "itemStyle": {"color": colour},
        "areaStyle": {"color": colour, "opacity": fill},
    }


def chart_options(lines: list[dict[str, object]], t: Translator) -> dict[str, object]:
    """ECharts options. The legend has one entry for the two lines of a route."""
    label = {"color": GREY}
    legend = {"data": [line["name"] for line in lines[::2]], "icon": "roundRect", "itemHeight": 3, "itemWidth": 16}
    line = {"lineStyle": {"color": GREY, "opacity": 0.4}}
    unit = t("unit.ms", value="").strip()
    milliseconds = f"value => value.toLocaleString('{t.language}') + '\u00a0{unit}'"
    return {
        "animationDuration": 300,
        "grid": {"left": 8, "right": 24, "top": 40, "bottom": 4, "containLabel": True},
        "legend": legend | {"top": 0, "left": 0, "type": "scroll", "textStyle": label},
        "tooltip": {"trigger": "axis", "confine": True},
        "xAxis": {"type": "time", "splitNumber": 4, "axisLabel": label | {"hideOverlap": True}, "axisLine": line},
        "yAxis": {
            "type": "value",
            "axisLabel": label | {":formatter": milliseconds},
            "splitLine": {"lineStyle": {"color": GREY, "opacity": 0.18}},
        },
        "series": lines,
    }


class LatencyCard:
    """Builds the tiles and the chart in the current slot. ``show(points)`` updates them."""

    def __init__(self, t: Translator) -> None:
        self._t = t
        self._points: tuple[StageLatencyPoint, ...] = ()
        self._stage = ""
        self._tiles: RedrawnSection[tuple[StageTile, ...]] = RedrawnSection(
            html.div().classes("stage-tiles").props(f'role=group aria-label="{t("dashboard.stages")}"'),
            self._draw_tiles,
        )
        self._plot: RedrawnSection[tuple[StageLatencyPoint, ...]] = RedrawnSection(
            html.div().classes("stage-plot"), self._draw_plot
        )

    def show(self, points: tuple[StageLatencyPoint, ...]) -> None:
        self._points = points
        measured = {point.stage for point in points}
        if self._stage not in measured:
            self._stage = next((stage for stage in STAGES if stage in measured), "")
        self._tiles.show(stage_tiles(points, self._stage))
        self._plot.show(tuple(point for point in points if point.stage == self._stage))

    def _select(self, stage: str) -> None:
        self._stage = stage
        self.show(self._points)

    def _draw_tiles(self, tiles: tuple[StageTile, ...]) -> None:
        t = self._t
        for tile in tiles:
            with (
                html.button(type="button")
                .classes("stage-tile")
                .props(f"aria-pressed={str(tile.selected).lower()}") as b
            ):
                html.span(t(_TITLES[tile.stage])).classes("stage-name")
                html.span(format_duration(tile.p50_ms, t)).classes("stage-value")
                html.span(t("dashboard.p95", value=format_duration(tile.p95_ms, t))).classes("stage-tail")
            b.on("click", lambda stage=tile.stage: self._select(stage))

    def _draw_plot(self, points: tuple[StageLatencyPoint, ...]) -> None:
        t = self._t
        if not points:
            draw_empty_state("show_chart", t("dashboard.no_latency"), t("dashboard.no_latency_hint"))
            return
        chart = ui.echart(chart_options(latency_series(points, self._stage, t), t), renderer="svg").classes("chart")
        chart.props(f'role=img aria-label="{t(_TITLES[self._stage])}"')
