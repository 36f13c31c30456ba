"""The state of a bot in words, with what to do about it."""

from dataclasses import dataclass

from nicegui import html

from deployments.administration.bots.process_reports import BotProcessStatus
from deployments.administration.bots.status_reader import BotStatusReader
from ui.components.page_parts import Tone, pill
from ui.context import PanelContext

_STATES: dict[str, tuple[str, Tone]] = {
    "starting": ("telegram.state_starting", "plain"),
    "running": ("telegram.state_running", "good"),
    "conflict": ("telegram.state_conflict", "bad"),
    "unreachable": ("telegram.state_unreachable", "bad"),
    "rejected": ("telegram.state_rejected", "bad"),
    "restarting": ("telegram.state_restarting", "warn"),
    "stopped": ("telegram.state_stopped", "plain"),
    "unknown": ("telegram.state_unknown", "warn"),
}
_ADVICE = {
    "conflict": "telegram.advice_conflict",
    "unreachable": "telegram.advice_unreachable",
    "rejected": "telegram.advice_rejected",
    "restarting": "telegram.advice_restarting",
    "unknown": "telegram.advice_unknown",
}


@dataclass(frozen=True, slots=True)
class BotState:
    """What is shown of a status: everything but the running clock."""

    state: str
    username: str
    error: str
    updates: int
    failures: int
    restarts: int
    sessions: int
    answers_nobody: bool

    @classmethod
    def of(cls, status: BotProcessStatus) -> "BotState":
        listed = status.allowed_users_count + status.admin_users_count
        return cls(
            state=status.state if status.enabled or status.state != "starting" else "stopped",
            username=status.username,
            error=status.error,
            updates=status.updates,
            failures=status.failures,
            restarts=status.restarts,
            sessions=status.active_sessions,
            answers_nobody=status.access == "listed" and not listed,
        )


def status_reader(panel: PanelContext) -> BotStatusReader:
    return BotStatusReader(panel.services.office.bot_sessions, panel.services.bots)


def draw_state(panel: PanelContext, state: BotState) -> None:
    """The pill, and the name at Telegram as a link."""
    text, tone = _STATES.get(state.state, _STATES["unknown"])
    with html.div().classes("row-line"):
        pill(panel.t(text), tone).props(f"data-state={state.state}")
        if state.username:
            link = html.a(f"@{state.username}", target="_blank", rel="noopener").classes("text-link")
            link.props["href"] = f"https://t.me/{state.username}"


def draw_advice(panel: PanelContext, state: BotState) -> None:
    t = panel.t
    if state.state in _ADVICE:
        with html.div().classes("notice telegram-advice").props("role=note"):
            html.span(t(_ADVICE[state.state]))
            if state.error:
                html.code(state.error)
    if state.answers_nobody:
        html.div(t("telegram.advice_nobody")).classes("notice").props("role=note")
