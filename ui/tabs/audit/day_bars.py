"""Events of the last days as bars; a click chooses a day."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date

from nicegui import html

from ui.components.section import RedrawnSection
from ui.context import PanelContext
from ui.translations import Translator


@dataclass(frozen=True, slots=True)
class DayBar:
    day: date
    count: int
    chosen: bool


class DayBars:
    """Built in the current slot. ``on_choose`` is awaited with the day that was clicked."""

    def __init__(self, panel: PanelContext, on_choose: Callable[[date], Awaitable[None]]) -> None:
        self._t = panel.t
        self._on_choose = on_choose
        box = html.div().classes("audit-bars").props(f'role=group aria-label="{panel.t("audit.days")}"')
        self._section: RedrawnSection[tuple[DayBar, ...]] = RedrawnSection(box, self._draw)
        self._scale = html.div().classes("audit-scale").props("aria-hidden=true")

    def show(self, bars: tuple[DayBar, ...]) -> None:
        self._section.show(bars)

    def _draw(self, bars: tuple[DayBar, ...]) -> None:
        t = self._t
        most = max((bar.count for bar in bars), default=0) or 1
        for bar in bars:
            label = f"{format_day(bar.day, t)}: {t.count('audit.events', bar.count)}"
            with html.button(type="button").classes("audit-bar") as button:
                share = max(4, round(100 * bar.count / most)) if bar.count else 0
                html.span().style(f"height: {share}%")
            button.props["aria-label"] = button.props["title"] = label
            button.props["aria-pressed"] = "true" if bar.chosen else "false"
            button.on("click", lambda day=bar.day: self._on_choose(day))
        self._scale.clear()
        with self._scale:
            html.span(format_day(bars[0].day, t))
            html.span(format_day(bars[-1].day, t))


def format_day(day: date, t: Translator) -> str:
    return day.strftime("%d.%m" if t.language == "ru" else "%d %b")
