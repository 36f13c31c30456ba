"""The input of the chat. Enter sends, Shift+Enter inserts a line break. During an answer the button stops it. What is
said into the microphone is added to the text.

While only the speech of an answer is still playing, the button stops it and Enter sends the next question.
"""

from collections.abc import Awaitable, Callable
from enum import StrEnum

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from ui.components.browser_draft import keep_in_draft
from ui.components.microphone import Microphone
from ui.components.text_fields import TextArea
from ui.context import PanelContext

MAX_QUESTION_CHARS = 4_000
_SEND_ON_ENTER = "(e) => { if (!e.shiftKey && !e.isComposing) { e.preventDefault(); emit(); } }"


SendCallback = Callable[[str], Awaitable[None]]
StopCallback = Callable[[], Awaitable[None]]


class ComposerState(StrEnum):
    """``answering``: the text of an answer is streaming. ``speaking``: the text is complete, its speech is playing."""

    IDLE = "idle"
    ANSWERING = "answering"
    SPEAKING = "speaking"


class Composer:
    """Calls ``on_send(text)`` with a question that is not empty, and ``on_stop()`` when the button stops an answer.
    ``draw_talk`` draws the button of a talk, for users who may speak."""

    def __init__(
        self,
        panel: PanelContext,
        on_send: SendCallback,
        on_stop: StopCallback,
        draw_talk: Callable[[], None] = lambda: None,
    ) -> None:
        self._t = t = panel.t
        self._on_send = on_send
        self._on_stop = on_stop
        self._pace = ComposerState.IDLE
        with html.div().classes("composer"):
            self._input = (
                TextArea(placeholder=(placeholder := t("chat.placeholder")))
                .props(f'autogrow borderless dense autofocus maxlength={MAX_QUESTION_CHARS} aria-label="{placeholder}"')
                .classes("composer-input")
                .on("keydown.enter", self._send, js_handler=_SEND_ON_ENTER)
            )
            keep_in_draft(self._input, "question")
            if panel.can_change(AdminResource.TRANSCRIPTS):
                Microphone(panel, self._add)
                draw_talk()
            with html.button(type="button").classes("send-button").on("click", self._press) as self._button:
                self._icon = ui.icon("arrow_upward")
        self.set_state(ComposerState.IDLE)

    @property
    def text(self) -> str:
        """What was typed and not sent."""
        return str(self._input.value or "")

    @text.setter
    def text(self, text: str) -> None:
        self._input.value = text

    def _add(self, text: str) -> None:
        self.text = f"{self.text.rstrip()} {text}".strip()[:MAX_QUESTION_CHARS]
        self._input.run_method("focus")

    def set_state(self, pace: ComposerState) -> None:
        self._pace = pace
        idle = pace is ComposerState.IDLE
        self._icon.name = "arrow_upward" if idle else "stop"
        self._button.props["aria-label"] = self._t("chat.send" if idle else "chat.stop")
        self._button.props["data-state"] = str(pace)

    async def _press(self) -> None:
        if self._pace is ComposerState.IDLE:
            await self._send()
        else:
            await self._on_stop()

    async def _send(self) -> None:
        text = str(self._input.value or "").strip()
        if not text or self._pace is ComposerState.ANSWERING:
            return
        self._input.value = ""
        await self._on_send(text)
