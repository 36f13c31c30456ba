"""The busy hours of the week: a heat map of the questions of the last four weeks."""

import json

from nicegui import html, ui

from deployments.administration.usage.activity import HourActivity
from ui.components.page_parts import card
from ui.components.section import RedrawnSection, draw_empty_state
from ui.context import PanelContext
from ui.translations import Translator

_DAYS = 28
_GREY = "#84908d"
_COLOURS = ("rgba(23, 160, 140, 0.12)", "#17a08c", "#0b5f57")


class HoursCard:
    """The chart is loaded only when there is something to draw."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        with card(panel.t("home.hours"), panel.t("home.hours_note")):
            container = html.div()
        self._plot: RedrawnSection[tuple[HourActivity, ...]] = RedrawnSection(container, self._draw)

    async def refresh(self) -> None:
        self._plot.show(await self._panel.services.office.activity.hours(_DAYS))

    def _draw(self, hours: tuple[HourActivity, ...]) -> None:
        t = self._panel.t
        if not hours:
            draw_empty_state("calendar_view_week", t("home.no_hours"), t("home.no_hours_hint"))
            return
        busiest = max(hours, key=lambda each: each.questions)
        summary = t("home.busiest", day=t(f"home.day_{busiest.weekday}"), hour=f"{busiest.hour:02d}:00")
        chart = ui.echart(heat_map_options(hours, t), renderer="svg").classes("home-hours")
        chart.props("role=img")
        chart.props["aria-label"] = f"{t('home.hours')}. {summary}"
        html.p(summary).classes("card-note")


def heat_map_options(hours: tuple[HourActivity, ...], t: Translator) -> dict[str, object]:
    """ECharts options: hours from left to right, Monday at the top."""
    label = {"color": _GREY, "fontSize": 11}
    days = [t(f"home.day_{number}") for number in range(7)]
    unit = json.dumps(t("home.hours_unit"))
    return {
        "animation": False,
        "grid": {"left": 4, "right": 8, "top": 4, "bottom": 4, "containLabel": True},
        "tooltip": {
            "confine": True,
            ":formatter": f"p => p.value[0] + ':00 · ' + p.value[2] + ' ' + {unit}",
        },
        "xAxis": {
            "type": "category",
            "data": [str(hour) for hour in range(24)],
            "axisLabel": label | {"interval": 2},
            "axisTick": {"show": False},
            "axisLine": {"show": False},
        },
        "yAxis": {
            "type": "category",
            "data": days,
            "inverse": True,
            "axisLabel": label,
            "axisTick": {"show": False},
            "axisLine": {"show": False},
        },
        "visualMap": {
            "show": False,
            "min": 0,
            "max": max(each.questions for each in hours),
            "inRange": {"color": list(_COLOURS)},
        },
        "series": [
            {
                "type": "heatmap",
                "data": [[each.hour, each.weekday, each.questions] for each in hours],
                "itemStyle": {"borderRadius": 3, "borderWidth": 2, "borderColor": "transparent"},
            }
        ],
    }
