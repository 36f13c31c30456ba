"""What every step of the start page gets."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import ui

from ui.context import PanelContext


@dataclass(frozen=True, slots=True)
class StepContext:
    """``done`` marks the step as done and stays; ``proceed`` marks it as done and opens the next one. ``leave`` opens
    the next one, and marks the step as skipped unless it is done."""

    panel: PanelContext
    done: Callable[[], Awaitable[None]]
    proceed: Callable[[], Awaitable[None]]
    leave: Callable[[], Awaitable[None]]

    def next_button(self, text: str = "start.next") -> ui.button:
        button = ui.button(self.panel.t(text), icon="arrow_forward", on_click=self.leave)
        return button.props("unelevated no-caps").classes("start-next")
