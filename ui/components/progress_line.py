"""The progress of long work: a bar, what is being done, and a button that cancels it."""

from collections.abc import Callable

from nicegui import html, ui

from ui.context import PanelContext


class ProgressLine:
    """Hidden until ``show`` is called. Build it inside the element where it belongs."""

    def __init__(self, panel: PanelContext, on_cancel: Callable[[], object] | None = None) -> None:
        with html.div().classes("progress-line").props("role=status") as self._line:
            self._text = ui.label().classes("progress-text")
            self._bar = ui.linear_progress(0, show_value=False).props("rounded")
            self._bar.props(f'aria-label="{panel.t("common.loading")}"')
            if on_cancel is not None:
                ui.button(panel.t("common.cancel"), on_click=lambda: on_cancel()).props("flat dense no-caps")
        self._line.set_visibility(False)

    def show(self, text: str, done: float | None) -> None:
        """``done`` from 0 to 1; None when it is not known."""
        self._line.set_visibility(True)
        if self._text.text != text:
            self._text.text = text
        self._bar.props("indeterminate" if done is None else None, remove=None if done is None else "indeterminate")
        if done is not None:
            self._bar.value = round(done, 3)

    def hide(self) -> None:
        self._line.set_visibility(False)
