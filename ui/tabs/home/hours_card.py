"""The busy hours of the week: a heat map of the questions of the last four weeks."""

from html import escape

from nicegui import html, ui

from deployments.administration.usage.activity import HourActivity
from ui.components.page_parts import card
from ui.components.section import RedrawnSection, draw_empty_state
from ui.context import PanelContext
from ui.translations import Translator

_DAYS = 28
_HOUR_STEP = 3


class HoursCard:
    """Empty until the first questions."""

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
        chart = ui.html(heat_map(hours, t), sanitize=False).classes("home-hours").props("role=img")
        chart.props["aria-label"] = f"{t('home.hours')}. {summary}"
        html.p(summary).classes("card-note")


def heat_map(hours: tuple[HourActivity, ...], t: Translator) -> str:
    """The cells of a grid: hours from left to right, Monday at the top. Plain HTML, because a first load with ECharts
    would send twice as much."""
    busiest = max(each.questions for each in hours)
    asked = {(each.weekday, each.hour): each.questions for each in hours}
    cells = ["<i></i>", *(f"<b>{hour if hour % _HOUR_STEP == 0 else ''}</b>" for hour in range(24))]
    for day in range(7):
        cells.append(f"<b>{escape(t(f'home.day_{day}'))}</b>")
        for hour in range(24):
            questions = asked.get((day, hour), 0)
            said = escape(f"{hour}:00 · {questions} {t('home.hours_unit')}")
            look = f' style="--share: {questions / busiest:.2f}" title="{said}"' if questions else ""
            cells.append(f"<i{look}></i>")
    return "".join(cells)
