"""Reads texts aloud in the browser: one at a time, each with a button that starts and stops it."""

import uuid
from collections.abc import Callable

from nicegui import background_tasks, html, ui

from deployments.contracts.errors import SecretaryError
from deployments.contracts.speech import SpeechRequest
from deployments.contracts.streams import Closing
from ui.components.speech_player import SpeechPlayer
from ui.context import PanelContext

RequestOf = Callable[[], SpeechRequest]


class SpokenText:
    """Plays on ``player``, which calls ``on_played`` with the id of a text that was played to its end. ``before_start``
    is called before a text begins, to silence other sounds of the page."""

    def __init__(
        self, panel: PanelContext, player: SpeechPlayer, before_start: Callable[[], object] = lambda: None
    ) -> None:
        self._panel = panel
        self._player = player
        self._before_start = before_start
        self._buttons: dict[str, tuple[html.button, ui.icon]] = {}
        self._key = ""
        self._speech_id = ""

    def button(self, key: str, request: RequestOf) -> None:
        """A button that reads the text of ``request`` aloud. ``key`` is unique on the page."""
        t = self._panel.t
        with html.button(type="button").classes("icon-button small") as button:
            icon = ui.icon("volume_up").props("aria-hidden=true")
        button.on("click", lambda: self._toggle(key, request))
        self._buttons[key] = (button, icon)
        button.props["data-listen"] = key
        self._show(key, key == self._key, t("listen.start"), t("listen.stop"))

    def stop(self) -> None:
        if self._speech_id:
            self._player.stop(self._speech_id)
        self._end()

    def close(self) -> None:
        """Ends the reading without a word to the page, which the user has left."""
        self._key = self._speech_id = ""

    def on_played(self, speech_id: str) -> None:
        if speech_id == self._speech_id:
            self._end()

    def _toggle(self, key: str, request: RequestOf) -> None:
        same = key == self._key
        self.stop()
        if same:
            return
        self._before_start()
        self._key, self._speech_id = key, uuid.uuid4().hex
        self._redraw(key)
        background_tasks.create(self._play(self._speech_id, request), name="read a text aloud")

    async def _play(self, speech_id: str, request: RequestOf) -> None:
        try:
            async with Closing(self._panel.services.assistant.speak(request())) as chunks:
                async for chunk in chunks:
                    if speech_id != self._speech_id or self._player.is_deleted:
                        return
                    self._player.enqueue(speech_id, chunk)
        except SecretaryError as error:
            if speech_id == self._speech_id:
                self.stop()
            self._panel.toast_error(error)
        else:
            self._player.finish(speech_id)

    def _end(self) -> None:
        key, self._key, self._speech_id = self._key, "", ""
        self._redraw(key)

    def _redraw(self, key: str) -> None:
        self._show(key, key == self._key, self._panel.t("listen.start"), self._panel.t("listen.stop"))

    def _show(self, key: str, speaking: bool, start: str, stop: str) -> None:
        button, icon = self._buttons.get(key, (None, None))
        if button is None or icon is None or button.is_deleted:
            self._buttons.pop(key, None)
            return
        icon.name = "stop" if speaking else "volume_up"
        button.props["aria-label"] = button.props["title"] = stop if speaking else start
