"""The models of a chain in the editor: add, remove, and reorder by buttons or by dragging."""

from collections.abc import Mapping

from nicegui import html, ui
from nicegui.events import SortableEventArguments

from ui.components.page_parts import icon_button
from ui.context import PanelContext

_MAX_STEPS = 8


class ChainSteps:
    """``names`` maps every route that may be chosen to its words."""

    def __init__(self, panel: PanelContext, names: Mapping[str, str]) -> None:
        self._panel = panel
        self._names = names
        self.routes: tuple[str, ...] = ()
        self._arrows: list[list[html.button]] = []
        t = panel.t
        html.h3(t("chain.steps")).classes("llm-subtitle")
        html.p(t("chain.steps_hint")).classes("muted")
        self._list = ui.column().classes("rows llm-step-list").props("role=list")
        self._list.make_sortable(handle=".llm-handle", on_end=self._dragged)
        self._add = ui.select({}, label=t("chain.add_step"), on_change=self._append)
        self._add.props("outlined dense").classes("dialog-field")
        self._error = ui.label().classes("llm-error").props("role=alert")
        self.show(())

    def show(self, routes: tuple[str, ...]) -> None:
        self.routes = routes
        self._error.set_visibility(False)
        self._list.clear()
        self._arrows.clear()
        with self._list:
            for index, route in enumerate(routes):
                self._draw(index, route)
        left = {route: name for route, name in self._names.items() if route not in routes}
        self._add.set_options(left, value=None)
        self._add.set_enabled(len(routes) < _MAX_STEPS)

    def show_error(self, text: str) -> None:
        self._error.text = text
        self._error.set_visibility(True)

    def _draw(self, index: int, route: str) -> None:
        t, name = self._panel.t, self._names.get(route, route)
        with html.div().classes("llm-link").props("role=listitem") as row:
            row.props["data-step"] = route
            html.span(str(index + 1)).classes("llm-number llm-handle").props("aria-hidden=true")
            html.span(name).classes("llm-option-text")
            with html.div().classes("llm-corner"):
                arrows = []
                if index:
                    label = t("proxy.up", name=name)
                    arrows.append(icon_button("arrow_upward", label, lambda: self._step(index, index - 1)))
                if index < len(self.routes) - 1:
                    label = t("proxy.down", name=name)
                    arrows.append(icon_button("arrow_downward", label, lambda: self._step(index, index + 1)))
                self._arrows.append(arrows)
                icon_button("close", t("proxy.remove_of", name=name), lambda: self._remove(index))

    def _append(self) -> None:
        route = self._add.value
        if route and str(route) not in self.routes:
            self.show((*self.routes, str(route)))

    def _remove(self, index: int) -> None:
        self.show(tuple(route for position, route in enumerate(self.routes) if position != index))

    def _step(self, index: int, to: int) -> None:
        """Moves a model by its arrow, which keeps the focus where it can go on."""
        self._move(index, to)
        arrow = self._arrows[to][0 if to < index else -1]
        self._panel.client.run_javascript(f"getHtmlElement({arrow.id})?.focus()")

    def _dragged(self, event: SortableEventArguments) -> None:
        self._move(event.old_index, event.new_index)

    def _move(self, index: int, to: int) -> None:
        routes = list(self.routes)
        routes.insert(to, routes.pop(index))
        self.show(tuple(routes))
