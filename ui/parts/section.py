"""A part of the page that is drawn again only when what it shows has changed."""

from collections.abc import Callable
from typing import Generic, TypeVar

from nicegui import ui

View = TypeVar("View")


class Section(Generic[View]):
    """``draw(view)`` fills ``container``; an equal view leaves the browser alone."""

    def __init__(self, container: ui.element, draw: Callable[[View], None]) -> None:
        self._container = container
        self._draw = draw
        self._shown: View | None = None

    def show(self, view: View) -> None:
        if view == self._shown:
            return
        self._shown = view
        self._container.clear()
        with self._container:
            self._draw(view)


def skeleton(lines: int) -> None:
    """Grey bars where something will be in a moment."""
    for _ in range(lines):
        ui.skeleton().classes("skeleton").props("height=16px")


def empty(icon: str, title: str, hint: str = "") -> ui.element:
    """A calm note where there is nothing to show. Returns its container, for a button below the text."""
    with ui.element("div").classes("empty") as container:
        ui.icon(icon).classes("empty-icon").props("aria-hidden=true")
        ui.label(title).classes("empty-title")
        if hint:
            ui.label(hint).classes("empty-hint")
    return container
