"""The plot of a stage in the last hour."""

from collections.abc import Sequence

from deployments.administration.office.report_ingest import StageLatencyPoint
from ui.translations import Translator

STAGES = ("first_token", "first_audio", "sentence", "faq", "total")
_ROUTE_TEXTS = {"": "route.all", "local": "route.local", "faq": "route.faq", "fallback": "route.fallback"}
GREY = "#84908d"
_COLOURS = ("#17a08c", "#d9822b", "#6d7bd6", "#c2558f", "#7a9a2e")


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
