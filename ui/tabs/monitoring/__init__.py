"""Monitoring: times of answers, load, errors, graphics cards and the machine, live."""

import asyncio

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.logs.log_files import LevelCount
from deployments.administration.monitoring.gpu import Gpu
from deployments.contracts.errors import SecretaryError
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.page_parts import attempt, card, page_heading, read_only_note
from ui.components.section import RedrawnSection
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext, keep_tab_open
from ui.tabs.monitoring.answer_times import AnswerTimes
from ui.tabs.monitoring.graphics import draw_cards
from ui.tabs.monitoring.load import LoadNow, draw_errors, draw_load, load_now
from ui.tabs.monitoring.machine_card import MachineCard
from ui.url_state import UrlState


async def show(panel: PanelContext) -> None:
    page = MonitoringPage(panel)
    await page.refresh()
    async with keep_tab_open():
        refresh_while_visible(panel, page.refresh)


class MonitoringPage:
    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        t = panel.t
        with html.div().classes("page monitoring"):
            with page_heading(t("monitoring.title"), t("monitoring.lead")):
                if panel.can_change(AdminResource.MONITORING):
                    reset = ui.button(t("monitoring.reset"), icon="restart_alt", on_click=self._reset)
                    reset.props("outline no-caps aria-haspopup=dialog")
            read_only_note(panel, AdminResource.MONITORING)
            with card(t("monitoring.times"), t("monitoring.times_note")):
                self._times = AnswerTimes(panel, UrlState(panel))
            with html.div().classes("monitoring-pair"):
                with card(t("monitoring.now")):
                    load = html.div()
                with card(t("monitoring.errors"), t("monitoring.last_hour")):
                    errors = html.div()
            with card(t("monitoring.gpus")):
                gpus = html.div()
            with card(t("monitoring.machine")):
                self._machine = MachineCard(panel)
        self._load: RedrawnSection[LoadNow] = RedrawnSection(load, lambda now: draw_load(panel, now))
        self._errors: RedrawnSection[tuple[LevelCount, ...]] = RedrawnSection(
            errors, lambda counts: draw_errors(panel, counts)
        )
        self._gpus: RedrawnSection[tuple[tuple[Gpu, ...], str]] = RedrawnSection(
            gpus, lambda view: draw_cards(panel, *view)
        )

    async def refresh(self) -> None:
        readings = self._panel.readings
        try:
            self._panel.require_read(AdminResource.MONITORING)
            overview, services, machine, gpu, errors = await asyncio.gather(
                self._panel.overview.get(),
                readings.services.get(),
                readings.machine.get(),
                readings.gpu.get(),
                readings.logged_errors.get(),
            )
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._times.show(overview.latency)
        self._load.show(load_now(services.services, overview, self._panel))
        self._errors.show(errors)
        self._gpus.show((gpu.gpus, gpu.reason or ""))
        self._machine.show(machine, gpu)

    async def _reset(self) -> None:
        panel, t = self._panel, self._panel.t
        text = t("monitoring.reset_text")
        if not await ask_confirmation(
            panel.client, t("monitoring.reset_ask"), text, t("monitoring.reset_yes"), t("common.cancel")
        ):
            return

        async def reset() -> None:
            await panel.services.operations.monitor.reset(panel.require_change(AdminResource.MONITORING))

        if await attempt(panel, reset, t("monitoring.reset_done")):
            self._times.show(())
