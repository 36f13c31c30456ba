"""The messages on the page: the stored ones, and below them the question and the answer that are being exchanged."""

from collections.abc import Callable, Sequence

from nicegui import html, ui

from ui.components.bubbles import AnswerBubble, question_bubble
from ui.components.section import KeyedList, RedrawnSection, draw_empty_state
from ui.context import PanelContext
from ui.tabs.chat.messages import ThreadItem


class Thread:
    """Drawn in the current slot. ``on_earlier`` is called for the messages before the shown ones."""

    def __init__(
        self, panel: PanelContext, draw: Callable[[ThreadItem], ui.element], on_earlier: Callable[[], object]
    ) -> None:
        self._panel = panel
        t = panel.t
        with html.div().classes("thread-scroll").props("tabindex=0"), html.div().classes("thread") as self._area:
            self._area.props(f'role=log aria-label="{t("nav.chat")}"')
            self._earlier = ui.button(t("chat.earlier"), on_click=lambda: on_earlier()).props("flat dense no-caps")
            self._empty: RedrawnSection[bool] = RedrawnSection(html.div().classes("thread-empty"), self._draw_empty)
            self._stored: KeyedList[ThreadItem] = KeyedList(html.div().classes("thread-part"), draw)
            self._live = html.div().classes("thread-part")
        self._earlier.set_visibility(False)

    @property
    def is_deleted(self) -> bool:
        return bool(self._area.is_deleted)

    def show(self, items: Sequence[ThreadItem], *, has_earlier: bool) -> None:
        """Shows stored messages, and nothing below them."""
        self._live.clear()
        self._stored.show(items)
        self._empty.show(not items)
        self._earlier.set_visibility(has_earlier)

    def begin_answer(self, question: str = "") -> AnswerBubble:
        """Adds the bubble of an answer below the stored messages, after ``question`` if there is one."""
        self._empty.show(False)
        with self._live:
            if question:
                question_bubble(question, self._panel.t)
            return AnswerBubble(self._panel.t)

    def _draw_empty(self, is_empty: bool) -> None:
        if is_empty:
            draw_empty_state("forum", self._panel.t("chat.empty"), self._panel.t("chat.empty_hint"))
