"""Speaks a text with the voice of the secretary in the browser; one text at a time."""

import uuid

from nicegui import background_tasks

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import SecretaryError
from deployments.contracts.speech import SpeechRequest
from deployments.contracts.streams import Closing
from ui.components.speech_player import SpeechPlayer
from ui.context import PanelContext


class AnswerSpeaker:
    """An invisible player. A new text, or ``stop``, ends the one before it."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._speech_id = ""
        self._player = SpeechPlayer(lambda _: None, lambda: panel.toast(panel.t("speaker.blocked"), "info"))

    def speak(self, text: str, voice_id: str | None = None) -> None:
        try:
            self._panel.require_change(AdminResource.CONVERSATIONS)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self.stop()
        self._speech_id = uuid.uuid4().hex
        background_tasks.create(self._play(self._speech_id, text, voice_id), name="speak a stored answer")

    def stop(self) -> None:
        if self._speech_id and not self._player.is_deleted:
            self._player.stop(self._speech_id)
        self._speech_id = ""

    async def _play(self, speech_id: str, text: str, voice_id: str | None) -> None:
        try:
            async with Closing(self._panel.services.assistant.speak(SpeechRequest(text, voice_id))) as chunks:
                async for chunk in chunks:
                    if speech_id != self._speech_id or self._player.is_deleted:
                        return
                    self._player.enqueue(speech_id, chunk)
            self._player.finish(speech_id)
        except SecretaryError as error:
            self._panel.toast_error(error)
