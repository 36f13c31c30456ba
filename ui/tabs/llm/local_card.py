"""The card of one local model."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.llm.local_models import LocalModelView
from deployments.administration.services.service_control import ServiceAction
from ui.byte_sizes import format_bytes
from ui.components.command_copy import draw_command
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.page_parts import Tone, attempt, fact, icon_button, pill
from ui.components.progress_line import ProgressLine
from ui.components.section import RedrawnSection
from ui.context import PanelContext
from ui.tabs.llm.default_route import choose_default
from ui.tabs.llm.local_state import LocalState
from ui.tabs.llm.switch_dialog import open_switch_dialog

_STATES: dict[str, tuple[str, Tone]] = {
    "running": ("llm.state_running", "good"),
    "starting": ("llm.state_starting", "plain"),
    "loading": ("llm.state_loading", "plain"),
    "switching": ("llm.state_switching", "plain"),
    "sleeping": ("llm.state_sleeping", "plain"),
    "stopping": ("llm.state_stopping", "plain"),
    "stopped": ("llm.state_stopped", "warn"),
    "failed": ("llm.state_failed", "bad"),
    "absent": ("llm.state_absent", "warn"),
}


class LocalCard:
    """``on_change`` is awaited after an action. ``with_services``: it can be started and stopped here. The body is
    redrawn when anything but the progress changes, the buttons when others are needed: a button that is replaced loses
    its click."""

    def __init__(
        self, panel: PanelContext, on_change: Callable[[], Awaitable[None]], *, with_services: bool = True
    ) -> None:
        self._panel = panel
        self._with_services = with_services
        self._on_change = on_change
        self._service = ""
        with html.article().classes("card llm-local") as self._card:
            self._body: RedrawnSection[LocalState] = RedrawnSection(html.div(), self._draw)
            self._actions: RedrawnSection[LocalState] = RedrawnSection(html.div(), self._draw_actions)
            cancel = self._cancel if panel.can_change(AdminResource.LOCAL_MODELS) else None
            self._progress = ProgressLine(panel, cancel)

    def show(self, state: LocalState) -> None:
        self._service = state.view.service
        self._card.props["data-service"] = state.view.service
        memory = state.memory_bytes >> 24 << 24  # steps of 16 MB, so that the card is not redrawn all the time
        quiet = state.view.model_copy(update={"progress": ""})
        self._body.show(replace(state, view=quiet, waiting_answers=0, memory_bytes=memory))
        view = LocalModelView(service=quiet.service, state=quiet.state, model="", hosted="", wanted="", engine="")
        self._actions.show(LocalState(view, state.route, state.default_route, can_sleep=state.can_sleep))
        self._show_progress(state)

    def _show_progress(self, state: LocalState) -> None:
        t, view = self._panel.t, state.view
        switch = view.switch
        if state.waiting_answers:
            self._progress.show(t.count("llm.waiting_answers", state.waiting_answers), None)
        elif switch is not None and switch.state == "running":
            self._progress.show(t("llm.switching_to", model=switch.model or t("llm.graph_model")), None)
        else:
            self._progress.hide()

    def _draw(self, state: LocalState) -> None:
        t, view = self._panel.t, state.view
        with html.header().classes("card-header"):
            html.h2(view.model or view.service)
            with html.div().classes("row-line"):
                if state.is_default:
                    html.span(t("llm.answers_by_default")).classes("tag")
                key, tone = _STATES.get(view.state, ("llm.state_absent", "warn"))
                pill(t(key), tone)
        with html.dl().classes("llm-facts"):
            fact(t("llm.service"), view.service)
            if view.engine:
                fact(t("llm.program"), view.engine)
            fact(t("llm.languages"), self._languages(state.languages))
            if state.memory_bytes:
                fact(t("llm.memory"), format_bytes(state.memory_bytes, t))
        if view.state == "sleeping":
            html.p(t("llm.asleep")).classes("muted").props("role=status")
        elif view.error:
            html.p(view.error).classes("llm-error")
            if state.remedy:
                draw_command(self._panel, state.remedy)
        if view.switch is not None and view.switch.state == "failed":
            html.p(t("llm.switch_failed", model=view.switch.model or t("llm.graph_model"))).classes("llm-error")
            html.p(" ".join(part for part in (view.switch.error, view.switch.remedy) if part)).classes("muted")
        self._draw_adapters(state)

    def _languages(self, languages: tuple[str, ...]) -> str:
        t = self._panel.t
        if not languages or "mul" in languages:
            return t("llm.any_language")
        return ", ".join(each.upper() for each in languages)

    def _draw_adapters(self, state: LocalState) -> None:
        t = self._panel.t
        if not state.adapters:
            return
        html.h3(t("llm.adapters")).classes("llm-subtitle")
        html.p(t("llm.adapters_hint")).classes("muted")
        for route, name in state.adapters:
            with html.div().classes("row-line").props("data-adapter"):
                html.span(name).classes("chip")
                if route == state.default_route:
                    html.span(t("llm.answers_by_default")).classes("tag")
                elif self._panel.can_change(AdminResource.PROMPTS):
                    label = t("llm.make_default_of", name=name)
                    icon_button("star_outline", label, partial(self._default, route))

    def _draw_actions(self, state: LocalState) -> None:
        t, view, panel = self._panel.t, state.view, self._panel
        with html.div().classes("llm-actions"):
            if panel.can_change(AdminResource.LOCAL_MODELS) and view.state in ("running", "failed", "sleeping"):
                switch = ui.button(t("llm.choose_model"), on_click=lambda: open_switch_dialog(panel, view.service))
                switch.props("unelevated no-caps aria-haspopup=dialog")
            if not state.is_default and panel.can_change(AdminResource.PROMPTS):
                default = ui.button(t("llm.make_default"), on_click=lambda: self._default(state.route))
                default.props("outline no-caps")
            if self._with_services and panel.can_change(AdminResource.SERVICES):
                for action, text in self._possible_actions(state):
                    button = ui.button(t(text), on_click=lambda action=action: self._act(action))
                    asks = action in ("stop", "restart")
                    button.props(f"flat no-caps data-action={action}" + (" aria-haspopup=dialog" if asks else ""))

    def _possible_actions(self, state: LocalState) -> list[tuple[ServiceAction, str]]:
        status = state.view.state
        if status == "stopped":
            return [("start", "llm.start")]
        if status == "sleeping":
            return [("wake", "llm.wake"), ("stop", "llm.stop")]
        if status not in ("running", "failed"):
            return []
        sleep: list[tuple[ServiceAction, str]] = [("sleep", "llm.sleep")] if state.can_sleep else []
        return [*sleep, ("restart", "llm.restart"), ("stop", "llm.stop")]

    async def _act(self, action: ServiceAction) -> None:
        t, panel, service = self._panel.t, self._panel, self._service
        if action in ("stop", "restart"):
            title = t("llm.stop_title" if action == "stop" else "llm.restart_title")
            yes = t("llm.stop" if action == "stop" else "llm.restart")
            if not await ask_confirmation(panel.client, title, t("llm.stop_text"), yes, t("common.cancel")):
                return

        async def act() -> None:
            username = panel.require_change(AdminResource.SERVICES)
            await panel.services.operations.services.act(service, action, username)

        await attempt(panel, act)
        await self._on_change()

    async def _default(self, route: str) -> None:
        await choose_default(self._panel, route)
        await self._on_change()

    async def _cancel(self) -> None:
        async def cancel() -> None:
            username = self._panel.require_change(AdminResource.LOCAL_MODELS)
            await self._panel.services.operations.local_models.switch.cancel(self._service, username)

        await attempt(self._panel, cancel, self._panel.t("llm.switch_cancelled"))
        await self._on_change()
