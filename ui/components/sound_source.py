"""Takes a recording: a file from the disk, or the microphone of the browser."""

from collections.abc import Awaitable, Callable

from nicegui import events, html, ui

from ui.components.file_button import choose_file_button
from ui.components.microphone_input import MicrophoneInput
from ui.context import PanelContext

MAX_UPLOAD_BYTES = 25_000_000
_BITS_PER_SECOND = 128_000


class SoundSource:
    """Awaits ``on_sound(name, content)`` for each recording."""

    def __init__(
        self, panel: PanelContext, on_sound: Callable[[str, bytes], Awaitable[None]], max_seconds: int = 60
    ) -> None:
        self._panel, self._on_sound = panel, on_sound
        self._recording = False
        t = panel.t
        with html.div().classes("sound-source"):
            self._upload = ui.upload(
                auto_upload=True,
                max_file_size=MAX_UPLOAD_BYTES,
                on_upload=self._take,
                on_rejected=lambda: panel.toast(t("recorder.too_large"), "negative"),
            )
            self._upload.props('accept="audio/*,.m4a,.ogg,.opus,.webm,.flac"')
            with html.div().classes("row-line"):
                choose_file_button(self._upload, t("recorder.file"))
                self._button = ui.button(t("recorder.start"), icon="mic", on_click=self._press).props("outline no-caps")
                self._recorder = MicrophoneInput(
                    panel, max_seconds=max_seconds, bit_rate=_BITS_PER_SECOND, filtered=False, timed=True
                )
        self._recorder.on("started", lambda: self._show(recording=True))
        self._recorder.on("stopped", lambda: self._show(recording=False))
        self._recorder.on_problem(lambda problem: panel.toast(problem, "negative"))

    def _press(self) -> None:
        if self._recording:
            self._recorder.stop()
        else:
            self._recorder.record(self._upload.id)

    def _show(self, *, recording: bool) -> None:
        self._recording = recording
        self._button.text = self._panel.t("recorder.stop" if recording else "recorder.start")
        self._button.icon = "stop" if recording else "mic"

    async def _take(self, event: events.UploadEventArguments) -> None:
        content = await event.file.read()
        self._upload.reset()
        await self._on_sound(event.file.name, content)
