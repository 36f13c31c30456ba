"""What to do when somebody else has changed an entry meanwhile: compare both versions, save mine, or take theirs."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from nicegui import html, ui

from ui.context import PanelContext


@dataclass(frozen=True, slots=True)
class FieldVersions:
    """A field in both versions, as texts. ``name`` is the label of the field."""

    name: str
    mine: str
    theirs: str


class ConflictChoice:
    """Hidden until ``show`` is called after a Conflict. Build it inside the form.

    ``save_mine`` saves the form over the newest version. ``take_theirs`` fills the form with the newest version.
    ``restore_mine`` fills it with what the user had typed, and is offered after ``take_theirs``.
    """

    def __init__(
        self,
        panel: PanelContext,
        save_mine: Callable[[], Awaitable[object]],
        take_theirs: Callable[[], object],
        restore_mine: Callable[[], object],
    ) -> None:
        self._panel = panel
        self._take_theirs = take_theirs
        self._restore_mine = restore_mine
        t = panel.t
        with html.div().classes("conflict").props("role=alert") as self._box:
            html.p(t("conflict.changed")).classes("conflict-text")
            with html.div().classes("conflict-actions"):
                self._compare = ui.button(t("conflict.compare"), on_click=self._toggle).props("flat dense no-caps")
                self._mine = ui.button(t("conflict.mine"), on_click=lambda: save_mine()).props("flat dense no-caps")
                self._theirs = ui.button(t("conflict.theirs"), on_click=self._take).props("flat dense no-caps")
                self._restore = ui.button(t("conflict.restore"), on_click=self._put_back).props("flat dense no-caps")
            self._fields = html.div().classes("conflict-fields")
        self.hide()

    def show(self, fields: Sequence[FieldVersions]) -> None:
        """Offers the choice. Only fields that differ are compared."""
        t = self._panel.t
        self._fields.clear()
        with self._fields:
            for field in fields:
                if field.mine != field.theirs:
                    with html.div().classes("conflict-field"):
                        html.h3(field.name)
                        _version(t("conflict.my_version"), field.mine or t("common.none"))
                        _version(t("conflict.their_version"), field.theirs or t("common.none"))
        self._fields.set_visibility(False)
        self._set_taken(False)
        self._box.set_visibility(True)

    def hide(self) -> None:
        self._box.set_visibility(False)

    def _toggle(self) -> None:
        self._fields.set_visibility(not self._fields.visible)
        self._compare.props(f"aria-expanded={'true' if self._fields.visible else 'false'}")

    def _take(self) -> None:
        self._take_theirs()
        self._set_taken(True)

    def _put_back(self) -> None:
        self._restore_mine()
        self._set_taken(False)

    def _set_taken(self, taken: bool) -> None:
        self._mine.set_visibility(not taken)
        self._theirs.set_visibility(not taken)
        self._restore.set_visibility(taken)


def _version(title: str, text: str) -> None:
    with html.div().classes("conflict-version"):
        html.span(title).classes("conflict-whose")
        html.div(text).classes("conflict-value")
