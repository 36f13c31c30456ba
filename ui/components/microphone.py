"""A button that records the microphone of the browser. The recording is uploaded in the page and transcribed."""

from collections.abc import Callable
from typing import Literal

from nicegui import events, html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import SecretaryError
from deployments.contracts.speech import RecognitionRequest, TranscriptFinished
from deployments.contracts.streams import Closing
from ui.components.microphone_input import MicrophoneInput, find_ear
from ui.context import PanelContext

MAX_RECORDING_BYTES = 2_000_000
State = Literal["idle", "recording", "transcribing"]
_LABELS: dict[State, str] = {
    "idle": "microphone.start",
    "recording": "microphone.stop",
    "transcribing": "microphone.transcribing",
}
_ICONS: dict[State, str] = {"idle": "mic", "recording": "stop_circle", "transcribing": "hourglass_top"}


class Microphone:
    """Calls ``on_text`` with what was said. Build it only for users who may read transcripts."""

    def __init__(self, panel: PanelContext, on_text: Callable[[str], None]) -> None:
        self._panel = panel
        self._on_text = on_text
        self._state: State = "idle"
        self._language: str | None = None
        self._recorder = MicrophoneInput(panel, filtered=True, timed=False)
        self._recorder.on("started", lambda: self._show("recording"))
        self._recorder.on("stopped", lambda: self._show("transcribing"))
        self._recorder.on_problem(self._explain)
        self._upload = ui.upload(
            auto_upload=True, on_upload=self._on_upload, max_file_size=MAX_RECORDING_BYTES, on_rejected=self._reject
        ).classes("microphone-upload")
        self._upload.props("aria-hidden=true tabindex=-1")
        with html.button(type="button").classes("icon-button microphone-button").on("click", self._press) as button:
            self._icon = ui.icon(_ICONS["idle"]).props("aria-hidden=true")
        self._button = button
        self._show("idle")

    async def _press(self) -> None:
        if self._state == "recording":
            self._recorder.stop()
            return
        if self._state == "transcribing":
            return
        try:
            self._panel.require_change(AdminResource.TRANSCRIPTS)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        try:
            self._language = (await find_ear(self._panel, "file")).language
        except SecretaryError:
            self._panel.toast(self._panel.t("microphone.no_recognizer"), "negative")
        else:
            self._recorder.record(self._upload.id)

    async def _on_upload(self, upload: events.UploadEventArguments) -> None:
        try:
            self._panel.require_change(AdminResource.TRANSCRIPTS)
            text = await self._transcribe(await upload.file.read())
        except SecretaryError as error:
            self._panel.toast_error(error)
        else:
            if text:
                self._on_text(text)
            else:
                self._panel.toast(self._panel.t("microphone.silence"), "info")
        finally:
            self._upload.reset()
            self._show("idle")

    async def _transcribe(self, recording: bytes) -> str:
        request = RecognitionRequest(audio=recording, language=self._language)
        async with Closing(self._panel.services.assistant.transcribe(request)) as found:
            async for event in found:
                if isinstance(event, TranscriptFinished):
                    return event.text.strip()
        return ""

    def _reject(self) -> None:
        self._show("idle")
        self._panel.toast(self._panel.t("microphone.too_long"), "negative")

    def _explain(self, problem: str) -> None:
        self._show("idle")
        self._panel.toast(problem, "negative")

    def _show(self, state: State) -> None:
        self._state = state
        self._icon.name = _ICONS[state]
        self._button.props["data-state"] = state
        self._button.props["aria-label"] = self._button.props["title"] = self._panel.t(_LABELS[state])
