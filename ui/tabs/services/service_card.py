"""The card of one service: state, facts, error with remedy, progress and buttons."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.services.service_control import ReplicaView, ServiceAction, ServiceView
from deployments.contracts.speech import EngineStatus
from ui.components.command_copy import draw_command
from ui.components.page_parts import fact, pill
from ui.components.progress_line import ProgressLine
from ui.components.section import RedrawnSection
from ui.context import PanelContext
from ui.tabs.services.words import (
    actions_for,
    format_memory,
    format_uptime,
    is_busy,
    progress_share,
    service_purpose,
    service_title,
    state_text,
    state_tone,
)

_KIND_ICONS = {"chat": "psychology", "speech": "record_voice_over", "recognition": "hearing", "answers": "quiz"}
_ACTION_ICONS: dict[ServiceAction, str] = {
    "start": "play_arrow",
    "stop": "stop",
    "restart": "restart_alt",
    "sleep": "bedtime",
    "wake": "wb_sunny",
}

ActOn = Callable[["ServiceCard", ServiceAction], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Problem:
    title: str
    message: str
    remedy: str


class ServiceCard:
    """Built in the current slot. ``show`` updates it; ``act`` is awaited for a click on one of its buttons."""

    def __init__(self, panel: PanelContext, name: str, act: ActOn) -> None:
        self._panel = panel
        self._act = act
        self.name = name
        self.view: ServiceView | None = None
        self.title = name
        self._asked: ServiceAction | None = None
        self.element = html.section().classes("card services-card")
        self.element.props["data-service"] = name
        with self.element:
            head = html.div().classes("services-head")
            self._models: RedrawnSection[tuple[str, ...]] = RedrawnSection(
                html.div().classes("services-models"), self._draw_models
            )
            self._progress = ProgressLine(panel)
            problems = html.div().classes("services-problems")
            facts = html.dl().classes("services-facts")
            self._processes: RedrawnSection[tuple[ReplicaView, ...]] = RedrawnSection(html.div(), self._draw_processes)
            buttons = html.div().classes("services-actions")
        self._head: RedrawnSection[tuple[str, str, str]] = RedrawnSection(head, self._draw_head)
        self._problems: RedrawnSection[tuple[_Problem, ...]] = RedrawnSection(problems, self._draw_problems)
        self._facts: RedrawnSection[tuple[tuple[str, str], ...]] = RedrawnSection(facts, self._draw_facts)
        self._buttons: RedrawnSection[tuple[tuple[ServiceAction, ...], bool]] = RedrawnSection(
            buttons, self._draw_buttons
        )

    def show(self, view: ServiceView, views: Collection[ServiceView], engines: tuple[EngineStatus, ...]) -> None:
        """``engines``: those of the service, as they last answered."""
        t = self._panel.t
        self.view, self.title = view, service_title(view, views, t)
        self._head.show((self.title, view.status, _KIND_ICONS.get(view.kind, "memory")))
        asleep = [t("services.asleep")] if view.status == "sleeping" else []
        self._models.show((service_purpose(view, t), *_model_lines(view, engines), *asleep))
        self._show_progress()
        self._problems.show(tuple(self._problems_of(view, engines)))
        self._facts.show(tuple(self._facts_of(view)))
        self._processes.show(_coarse(view.replicas) if len(view.replicas) > 1 else ())
        self._buttons.show((actions_for(view), self._asked is not None))

    def mark_asked(self, action: ServiceAction | None) -> None:
        """Shows that ``action`` is under way; None ends it."""
        self._asked = action
        self._show_progress()
        if self.view is not None:
            self._buttons.show((actions_for(self.view), action is not None))

    def _show_progress(self) -> None:
        t, view = self._panel.t, self.view
        progress = next((each.progress for each in view.replicas if each.progress), "") if view else ""
        if self._asked is not None:
            self._progress.show(t(f"services.doing.{self._asked}"), None)
        elif view is not None and is_busy(view):
            detail = f" · {progress}" if progress else ""
            self._progress.show(state_text(view.status, t) + detail, progress_share(progress))
        else:
            self._progress.hide()

    def _facts_of(self, view: ServiceView) -> list[tuple[str, str]]:
        t = self._panel.t
        ongoing = [each.ongoing for each in view.replicas if each.ongoing is not None]
        uptimes = [each.uptime_seconds for each in view.replicas if each.uptime_seconds is not None]
        facts = []
        if view.memory_mb is not None:
            facts.append((t("services.memory"), format_memory(view.memory_mb, t)))
        facts.append((t("services.waiting"), str(view.queue)))
        if ongoing:
            facts.append((t("services.ongoing"), str(sum(ongoing))))
        if uptimes:
            facts.append((t("services.uptime"), format_uptime(max(uptimes), t)))
        if view.lost_replicas:
            facts.append((t("services.lost"), str(view.lost_replicas)))
        return facts

    def _problems_of(self, view: ServiceView, engines: tuple[EngineStatus, ...]) -> list[_Problem]:
        t = self._panel.t
        if view.wanted == "stopped" or view.status == "sleeping":
            return []
        problems = {}
        if view.last_error:
            problems[view.last_error] = _Problem(t("services.problem"), view.last_error, view.remedy or "")
        for engine in engines:
            if engine.error and not engine.loading:
                title = t("services.problem_of", engine=engine.engine or engine.name)
                problems[engine.error] = _Problem(title, engine.error, engine.remedy)
        return list(problems.values())

    def _draw_head(self, head: tuple[str, str, str]) -> None:
        title, status, icon = head
        with html.span().classes("services-icon").props("aria-hidden=true"):
            ui.icon(icon)
        html.h3(title).classes("services-title")
        pill(state_text(status, self._panel.t), state_tone(status)).props["data-state"] = status

    def _draw_models(self, models: tuple[str, ...]) -> None:
        purpose, *lines = models
        html.p(purpose)
        for line in lines:
            html.div(line).classes("services-model")

    def _draw_problems(self, problems: tuple[_Problem, ...]) -> None:
        t = self._panel.t
        for problem in problems:
            with html.div().classes("services-problem").props("role=note"):
                html.strong(problem.title)
                html.span(problem.message)
                if problem.remedy:
                    html.span(t("services.remedy")).classes("muted")
                    draw_command(self._panel, problem.remedy)

    def _draw_facts(self, facts: tuple[tuple[str, str], ...]) -> None:
        for name, value in facts:
            fact(name, value)

    def _draw_processes(self, replicas: tuple[ReplicaView, ...]) -> None:
        t = self._panel.t
        if not replicas:
            return
        with ui.expansion(t.count("services.processes", len(replicas))).classes("services-processes").props("dense"):
            for replica in replicas:
                memory = format_memory(replica.memory_mb, t) if replica.memory_mb is not None else ""
                uptime = format_uptime(replica.uptime_seconds, t) if replica.uptime_seconds is not None else ""
                parts = (state_text(replica.state, t), replica.model, memory, uptime)
                html.div(" · ".join(part for part in parts if part))

    def _draw_buttons(self, shown: tuple[tuple[ServiceAction, ...], bool]) -> None:
        t, panel = self._panel.t, self._panel
        actions, asked = shown
        if panel.can_change(AdminResource.SERVICES):
            for action in actions:
                button = ui.button(
                    t(f"services.action.{action}"),
                    icon=_ACTION_ICONS[action],
                    on_click=lambda action=action: self._act(self, action),
                )
                at_once = action in ("start", "wake")
                button.props("no-caps dense " + ("unelevated" if at_once else "outline aria-haspopup=dialog"))
                button.props["aria-label"] = f"{t(f'services.action.{action}')}: {self.title}"
                button.set_enabled(not asked)
        if panel.can_read(AdminResource.LOGS):
            link = html.a(t("services.log"), href=f"{panel.root_path}/logs?process={self.name}")
            link.classes("text-link services-log")
            link.props["aria-label"] = f"{t('services.log')}: {self.title}"


def _model_lines(view: ServiceView, engines: tuple[EngineStatus, ...]) -> tuple[str, ...]:
    """Each engine with its model; the models that the processes report when no engine answered."""
    lines = [" · ".join(part for part in (engine.engine, engine.model) if part) for engine in engines]
    return tuple(line for line in lines if line) or tuple(sorted({each.model for each in view.replicas if each.model}))


def _coarse(replicas: tuple[ReplicaView, ...]) -> tuple[ReplicaView, ...]:
    """The replicas in steps in which they are shown, so that an open list is not redrawn with every reading."""
    return tuple(
        each.model_copy(
            update={
                "memory_mb": None if each.memory_mb is None else round(each.memory_mb, -2),
                "uptime_seconds": None if each.uptime_seconds is None else each.uptime_seconds // 600 * 600,
                "ongoing": None,
                "progress": "",
            }
        )
        for each in replicas
    )
