"""Containers that are redrawn only when their content has changed."""

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from nicegui import ui

View = TypeVar("View")


class RedrawnSection(Generic[View]):
    """Calls ``draw(view)`` to fill ``container``. Does nothing for the last view, or when the page was left."""

    def __init__(self, container: ui.element, draw: Callable[[View], None]) -> None:
        self._container = container
        self._draw = draw
        self._view: View | None = None

    def show(self, view: View) -> None:
        if view == self._view or self._container.is_deleted:
            return
        self._view = view
        self._container.clear()
        with self._container:
            self._draw(view)


Item = TypeVar("Item", bound=Hashable)


class KeyedList(Generic[Item]):
    """A list of items. Items that stay are not redrawn, so that they keep focus and state. After the page was left,
    nothing is drawn."""

    def __init__(self, container: ui.element, draw: Callable[[Item], ui.element]) -> None:
        self._container = container
        self._draw = draw
        self._drawn: dict[Item, ui.element] = {}

    def redraw(self, item: Item) -> None:
        """Redraws ``item`` and so resets the state of its widgets."""
        if item in self._drawn:
            items = list(self._drawn)
            self._drawn.pop(item).delete()
            self.show(items)

    def rekey(self, item: Item, changed: Item) -> ui.element | None:
        """Keeps the element of ``item``, whose widgets show ``changed`` already. Returns it, None if it is gone."""
        if item in self._drawn:
            self._drawn = {changed if key == item else key: element for key, element in self._drawn.items()}
        return self._drawn.get(changed)

    def show(self, items: Sequence[Item]) -> None:
        if self._container.is_deleted:
            return
        for removed in self._drawn.keys() - set(items):
            self._drawn.pop(removed).delete()
        for index, item in enumerate(items):
            if item not in self._drawn:
                with self._container:
                    self._drawn[item] = self._draw(item)
            if self._container.default_slot.children.index(self._drawn[item]) != index:
                self._drawn[item].move(target_index=index)
        self._drawn = {item: self._drawn[item] for item in items}


def draw_skeleton(lines: int) -> None:
    """Grey bars as a placeholder for content that is loading."""
    for _ in range(lines):
        ui.skeleton().classes("skeleton").props("height=16px")


def draw_empty_state(icon: str, title: str, hint: str = "") -> ui.element:
    """A note that there is nothing to show. Returns its container, to which a caller may add a button."""
    with ui.element("div").classes("empty") as container:
        ui.icon(icon).classes("empty-icon").props("aria-hidden=true")
        ui.label(title).classes("empty-title")
        if hint:
            ui.label(hint).classes("empty-hint")
    return container
