"""What every step of the start page gets."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ui.context import PanelContext
from ui.url_state import UrlState


@dataclass(frozen=True, slots=True)
class StepContext:
    """``url`` holds what is open within a step. ``done`` marks the step as done and leaves it open, so that its result
    stays visible; ``proceed`` marks it as done and opens the next one. Each of ``on_leave`` is awaited when the step or
    the page is left."""

    panel: PanelContext
    url: UrlState
    done: Callable[[], Awaitable[None]]
    proceed: Callable[[], Awaitable[None]]
    on_leave: list[Callable[[], Awaitable[None]]]
