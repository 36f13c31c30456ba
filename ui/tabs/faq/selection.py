"""Selected FAQ entries, and what can be done with all of them."""

from collections.abc import Awaitable, Callable, Sequence

from nicegui import html, ui

from ui.context import PanelContext


class FaqSelection:
    """Drawn for users who may change entries. ``on_page`` is called with whether all entries of the page are to be
    selected, or none."""

    def __init__(
        self,
        panel: PanelContext,
        on_page: Callable[[bool], None],
        on_switch: Callable[[Sequence[int], bool], Awaitable[None]],
        on_delete: Callable[[Sequence[int]], Awaitable[None]],
    ) -> None:
        self._panel = panel
        self._selected: set[int] = set()
        self._selecting = False
        self._on_page = on_page
        t = panel.t
        with html.div().classes("faq-selection") as bar:
            self._start = ui.button(t("faq.select"), icon="checklist", on_click=self._toggle).props(
                "flat dense no-caps"
            )
            with html.div().classes("faq-selection-actions") as self._actions:
                self._count = ui.label()
                ui.button(t("faq.select_page"), on_click=lambda: on_page(True)).props("flat dense no-caps")
                self._buttons = [
                    ui.button(t("faq.enable_selected"), on_click=lambda: on_switch(self.ids, True)),
                    ui.button(t("faq.disable_selected"), on_click=lambda: on_switch(self.ids, False)),
                    ui.button(t("faq.delete"), on_click=lambda: on_delete(self.ids), color="negative"),
                ]
                for button in self._buttons:
                    button.props("flat dense no-caps")
                self._buttons[-1].props("aria-haspopup=dialog")
        bar.set_visibility(panel.faq.can_change)
        self._show()

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(sorted(self._selected))

    def state(self, entry_id: int) -> bool | None:
        """Whether the entry is selected; None while nothing is being selected."""
        return entry_id in self._selected if self._selecting else None

    def mark(self, entry_id: int, selected: bool) -> None:
        (self._selected.add if selected else self._selected.discard)(entry_id)
        self._show()

    def keep(self, entry_ids: set[int]) -> None:
        """Forgets entries that are not on the page: nothing is changed that cannot be seen."""
        self._selected &= entry_ids
        self._show()

    def _toggle(self) -> None:
        self._selecting = not self._selecting
        self._on_page(False)

    def _show(self) -> None:
        t = self._panel.t
        self._start.text = t("faq.select_end" if self._selecting else "faq.select")
        self._actions.set_visibility(self._selecting)
        self._count.text = t.count("faq.selected", len(self._selected))
        for button in self._buttons:
            button.set_enabled(bool(self._selected))
