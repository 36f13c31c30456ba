"""Where a question is written: Enter sends, Shift+Enter breaks the line; while an answer runs the button stops it."""

from collections.abc import Awaitable, Callable

from nicegui import html, ui

from ui.translations import Translator

MOST_CHARS = 4_000
_SEND_ON_ENTER = "(e) => { if (!e.shiftKey && !e.isComposing) { e.preventDefault(); emit(); } }"


class Composer:
    """``on_send(text)`` gets a question that is not empty; ``on_stop()`` is the other face of the button."""

    def __init__(self, t: Translator, on_send: Callable[[str], Awaitable[None]], on_stop: Callable[[], None]) -> None:
        self._t = t
        self._on_send = on_send
        self._on_stop = on_stop
        self._busy = False
        with html.div().classes("composer"):
            self._input = (
                ui.textarea(placeholder=t("chat.placeholder"))
                .props(
                    f'autogrow borderless dense autofocus maxlength={MOST_CHARS} aria-label="{t("chat.placeholder")}"'
                )
                .classes("composer-input")
                .on("keydown.enter", self._send, js_handler=_SEND_ON_ENTER)
            )
            with html.button(type="button").classes("send-button").on("click", self._press) as self._button:
                self._icon = ui.icon("arrow_upward")
        self.set_busy(False)

    def set_busy(self, busy: bool) -> None:
        self._busy = busy
        self._icon.name = "stop" if busy else "arrow_upward"
        self._button.props["aria-label"] = self._t("chat.stop" if busy else "chat.send")
        self._button.props["data-state"] = "busy" if busy else "idle"

    async def _press(self) -> None:
        if self._busy:
            self._on_stop()
        else:
            await self._send()

    async def _send(self) -> None:
        text = str(self._input.value or "").strip()
        if not text or self._busy:
            return
        self._input.value = ""
        await self._on_send(text)
