"""What the answers cost, today and in the last thirty days."""

from dataclasses import dataclass
from datetime import date, timedelta

from nicegui import html

from deployments.administration.usage.service import UsageTotals
from ui.components.page_parts import fact
from ui.context import PanelContext
from ui.formatting import format_number

_DAYS = 30


@dataclass(frozen=True, slots=True)
class CostView:
    """US dollars by provider over thirty days; ``today`` is the current day (UTC)."""

    today: float
    month: float
    providers: tuple[tuple[str, float], ...]


async def read_cost(panel: PanelContext) -> CostView:
    usage = panel.services.office.usage
    last = date.fromisoformat(usage.current_day())
    today: tuple[UsageTotals, ...] = await usage.sums(last, last, ("route",))
    month = await usage.sums(last - timedelta(days=_DAYS - 1), last, ("route",))
    paid = sorted(((each.route, each.cost) for each in month if each.cost), key=lambda pair: -pair[1])
    return CostView(sum(each.cost for each in today), sum(cost for _, cost in paid), tuple(paid[:4]))


def draw_cost(panel: PanelContext, view: CostView) -> None:
    t = panel.t
    with html.header().classes("card-header"):
        html.h2(t("home.cost"))
    with html.dl().classes("facts"):
        fact(t("home.cost_today"), _money(panel, view.today))
        fact(t("home.cost_month"), _money(panel, view.month))
    if view.providers:
        with html.ul().classes("home-providers"):
            for route, cost in view.providers:
                html.li(f"{route.removeprefix('cloud:')}: {_money(panel, cost)}")
    else:
        html.p(t("home.cost_nothing")).classes("card-note")


def _money(panel: PanelContext, dollars: float) -> str:
    return f"$ {format_number(dollars, 2 if dollars >= 1 or not dollars else 4, panel.t)}"
