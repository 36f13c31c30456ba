"""Home: whether the secretary works, what happened today, questions without an answer, busy hours and cost."""

from nicegui import html

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.office.start_guide import StartProgress
from ui.components.quick_answer import QuickAnswer
from ui.components.section import RedrawnSection
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext, keep_tab_open
from ui.navigation import attention_of
from ui.tabs.home.attention_card import AttentionView, attention_view, draw_attention
from ui.tabs.home.cost_card import CostView, draw_cost, read_cost
from ui.tabs.home.hours_card import HoursCard
from ui.tabs.home.open_questions_card import OpenQuestionsCard
from ui.tabs.home.start_banner import draw_banner
from ui.tabs.home.today_card import TodayView, draw_today, read_today


async def show(panel: PanelContext) -> None:
    """Draws the page and refreshes it while it is open."""
    home = HomeTab(panel)
    await home.refresh()
    async with keep_tab_open():
        refresh_while_visible(panel, home.refresh)


class HomeTab:
    """A viewer sees only whether the secretary works: the figures are for operators."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        t = panel.t
        self._figures = panel.can_read(AdminResource.USAGE)
        html.h1(t("nav.home")).classes("visually-hidden")
        with html.div().classes("home"):
            self._start = html.div().classes("home-wide")
            headline = html.section().classes("card headline home-wide").props('role=status aria-live="polite"')
            if self._figures:
                today = html.section().classes("card home-wide")
                self._questions = OpenQuestionsCard(panel, QuickAnswer(panel))
                cost = html.section().classes("card")
                self._hours = HoursCard(panel)
                self._today: RedrawnSection[TodayView] = RedrawnSection(today, lambda view: draw_today(panel, view))
                self._cost: RedrawnSection[CostView] = RedrawnSection(cost, lambda view: draw_cost(panel, view))
            else:
                html.p(t("home.for_operators")).classes("notice home-wide").props("role=note")
        self._attention: RedrawnSection[AttentionView] = RedrawnSection(
            headline, lambda view: draw_attention(panel, view)
        )

        self._banner: RedrawnSection[StartProgress] = RedrawnSection(self._start, lambda it: draw_banner(panel, it))

    async def refresh(self) -> None:
        if self._panel.can_change(AdminResource.USERS):
            self._banner.show(await self._panel.services.office.start_guide.progress())
        overview = await self._panel.overview.get()
        self._attention.show(attention_view(overview, await attention_of(self._panel)))
        if self._figures and self._panel.can_read(AdminResource.USAGE):
            self._today.show(await read_today(self._panel))
            await self._questions.refresh()
            self._cost.show(await read_cost(self._panel))
            await self._hours.refresh()
