"""A part of the page that is drawn again only when what it shows has changed."""

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from nicegui import ui

View = TypeVar("View")


class RedrawnSection(Generic[View]):
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


Item = TypeVar("Item", bound=Hashable)


class KeyedList(Generic[Item]):
    """Items one below the other. What stays is left alone, so that a click or a focus on it is not lost."""

    def __init__(self, container: ui.element, draw: Callable[[Item], ui.element]) -> None:
        self._container = container
        self._draw = draw
        self._drawn: dict[Item, ui.element] = {}

    def redraw(self, item: Item) -> None:
        """Takes back what a person did to the widgets of ``item``."""
        if item in self._drawn:
            shown = list(self._drawn)
            self._drawn.pop(item).delete()
            self.show(shown)

    def show(self, items: Sequence[Item]) -> None:
        for gone in self._drawn.keys() - set(items):
            self._drawn.pop(gone).delete()
        for index, item in enumerate(items):
            if item not in self._drawn:
                with self._container:
                    self._drawn[item] = self._draw(item)
            if self._container.default_slot.children.index(self._drawn[item]) != index:
                self._drawn[item].move(target_index=index)
        self._drawn = {item: self._drawn[item] for item in items}


def draw_skeleton(lines: int) -> None:
    """Grey bars where something will be in a moment."""
    for _ in range(lines):
        ui.skeleton().classes("skeleton").props("height=16px")


def draw_empty_state(icon: str, title: str, hint: str = "") -> ui.element:
    """A calm note where there is nothing to show. Returns its container, for a button below the text."""
    with ui.element("div").classes("empty") as container:
        ui.icon(icon).classes("empty-icon").props("aria-hidden=true")
        ui.label(title).classes("empty-title")
        if hint:
            ui.label(hint).classes("empty-hint")
    return container
