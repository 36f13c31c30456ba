"""Message bubbles. All content is inserted as text, never as HTML, because answers are untrusted."""

import time
from collections.abc import Sequence

from nicegui import html, ui

from ui.components.panel_answer import AnswerDetail, PanelAnswer, answer_details, failure_text
from ui.translations import Translator

REDRAW_INTERVAL_S = 0.05


def question_bubble(text: str, t: Translator) -> None:
    with html.article().classes("message message-user"):
        html.span(t("chat.you")).classes("visually-hidden")
        ui.label(text).classes("bubble")


class AnswerBubble:
    """One answer of the secretary. While it streams it is redrawn at most every 50 ms, the first time at once."""

    def __init__(self, t: Translator) -> None:
        self._t = t
        self._drawn_at = float("-inf")
        with html.article().classes("message message-assistant") as self._message:
            html.span(t("product")).classes("visually-hidden")
            self._text = ui.label().classes("bubble")
            self._waiting = ui.element("span").classes("typing").props(f'role=status aria-label="{t("chat.thinking")}"')
            self._problem = ui.label().classes("bubble-problem").props("role=alert")
            self._details = html.div().classes("bubble-details")
        self._problem.set_visibility(False)
        self._text.set_visibility(False)

    def draw(self, answer: PanelAnswer) -> None:
        """Shows the text received so far, unless the last redraw is too recent."""
        now = time.monotonic()
        if answer.text and now - self._drawn_at >= REDRAW_INTERVAL_S:
            self._drawn_at = now
            self._put(answer.text)

    def close(self, answer: PanelAnswer) -> None:
        """Shows the final state: the complete text, its source, the times and the error."""
        t = self._t
        self._put(answer.text)
        self._waiting.set_visibility(False)
        self._message.classes("message-closed")
        problem = failure_text(answer, t)
        self._problem.text = problem
        self._problem.set_visibility(bool(problem))
        with self._details:
            draw_details(answer_details(answer, t))

    def _put(self, text: str) -> None:
        self._text.text = text
        self._text.set_visibility(bool(text))


def draw_details(details: Sequence[AnswerDetail]) -> None:
    """The source and the times of an answer, in one line."""
    for detail in details:
        html.span(detail.text).classes(f"detail detail-{detail.kind}")
