"""Services: the programs that answer, speak and listen, to start and to stop; and the channels."""

import asyncio
from collections.abc import Awaitable, Callable

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.services.service_control import ServiceAction, ServicesStatus
from deployments.contracts.errors import SecretaryError
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.page_parts import card, page_heading, read_only_note
from ui.components.section import RedrawnSection, draw_empty_state, draw_skeleton
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext, keep_tab_open
from ui.panel_overview import PanelOverview
from ui.tabs.services.doors import DoorLine, door_lines, draw_doors
from ui.tabs.services.service_card import ServiceCard
from ui.tabs.services.words import stop_effect

_REFRESH_S = 2.0
_FOLLOWED = {"start": "running", "restart": "running", "wake": "running", "stop": "stopped", "sleep": "sleeping"}


async def show(panel: PanelContext) -> None:
    page = ServicesPage(panel)
    await page.refresh()
    async with keep_tab_open():
        refresh_while_visible(panel, page.refresh, min(_REFRESH_S, panel.refresh_interval_s))


class ServicesPage:
    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._cards: dict[str, ServiceCard] = {}
        t = panel.t
        with html.div().classes("page services"):
            with page_heading(t("services.title"), t("services.lead")):
                if panel.can_change(AdminResource.SERVICES):
                    self._header_button("start", "play_circle", t("services.start_all"))
                    self._header_button("stop", "stop_circle", t("services.stop_all"))
            read_only_note(panel, AdminResource.SERVICES)
            notice = html.div()
            html.h2(t("services.engines"))
            self._list = html.div().classes("cards services-list")
            with card(t("services.doors"), t("services.doors_note")):
                doors = html.div()
        with self._list:
            draw_skeleton(4)
        self._notice: RedrawnSection[str] = RedrawnSection(notice, self._draw_notice)
        self._doors: RedrawnSection[tuple[DoorLine, ...]] = RedrawnSection(
            doors, lambda lines: draw_doors(panel, lines)
        )

    async def refresh(self) -> None:
        status, overview = await asyncio.gather(self._panel.readings.services.get(), self._panel.overview.get())
        self._notice.show(status.cluster_error or "")
        self._show_cards(status, overview)
        self._doors.show(door_lines(status.services.values(), overview, self._panel.t))

    def _show_cards(self, status: ServicesStatus, overview: PanelOverview) -> None:
        views = [view for view in status.services.values() if view.controllable]
        if self._cards.keys() != {view.name for view in views} or not views:
            self._list.clear()
            with self._list:
                self._cards = {view.name: ServiceCard(self._panel, view.name, self._act) for view in views}
                if not views:
                    draw_empty_state("memory", self._panel.t("services.empty"), self._panel.t("services.empty_hint"))
        engines = overview.engines or ()
        for view in views:
            own = tuple(engine for engine in engines if engine.name.partition("/")[0] == view.name)
            self._cards[view.name].show(view, views, own)

    def _header_button(self, action: ServiceAction, icon: str, label: str) -> None:
        button = ui.button(label, icon=icon, on_click=lambda: self._act_on_all(action))
        button.props("outline no-caps" + (" aria-haspopup=dialog" if action == "stop" else ""))

    def _draw_notice(self, error: str) -> None:
        if error:
            with html.div().classes("notice").props("role=status"):
                html.span(self._panel.t("services.cluster_silent"))

    async def _act(self, shown: ServiceCard, action: ServiceAction) -> None:
        """Asks when something stops, then acts and shows what came of it."""
        t, panel = self._panel.t, self._panel
        view = shown.view
        if view is None or not await self._confirm(shown, action):
            return
        services = panel.services.operations.services

        async def act() -> None:
            username = panel.require_change(AdminResource.SERVICES)
            result = await services.act(shown.name, action, username)
            done = result.status == _FOLLOWED[action]
            key = f"services.done.{action}" if done else "services.asked"
            panel.toast(t(key, name=shown.title), "positive" if done else "info")

        await self._with_progress([shown], action, act)

    async def _confirm(self, shown: ServiceCard, action: ServiceAction) -> bool:
        t = self._panel.t
        if action in ("start", "wake") or shown.view is None:
            return True
        text = stop_effect(shown.view, t) if action != "sleep" else t("services.sleep_effect")
        if action == "restart":
            text = f"{text} {t('services.restart_effect')}"
        title = t(f"services.ask.{action}", name=shown.title)
        return await ask_confirmation(
            self._panel.client, title, text, t(f"services.action.{action}"), t("common.cancel")
        )

    async def _act_on_all(self, action: ServiceAction) -> None:
        t, panel = self._panel.t, self._panel
        if action == "stop" and not await ask_confirmation(
            panel.client,
            t("services.ask_stop_all"),
            t("services.stop_all_effect"),
            t("services.stop_all"),
            t("common.cancel"),
        ):
            return

        async def act() -> None:
            username = panel.require_change(AdminResource.SERVICES)
            results = await panel.services.operations.services.act_on_all(action, username)
            waiting = [each for each in results if each.status != _FOLLOWED[action]]
            if waiting:
                panel.toast(t.count("services.asked_all", len(waiting)), "info")
            else:
                panel.toast(t(f"services.done_all.{action}"))

        await self._with_progress(list(self._cards.values()), action, act)

    async def _with_progress(
        self, shown: list[ServiceCard], action: ServiceAction, act: Callable[[], Awaitable[None]]
    ) -> None:
        for each in shown:
            each.mark_asked(action)
        try:
            await act()
        except SecretaryError as error:
            self._panel.toast_error(error)
        finally:
            for each in shown:
                each.mark_asked(None)
        self._panel.readings.services.expire()
        await self.refresh()
