"""Takes a recording: a file from the disk, or the microphone of the browser."""

from collections.abc import Awaitable, Callable

from nicegui import events, html, ui
from nicegui.element import Element

from ui.context import PanelContext

MAX_UPLOAD_BYTES = 25_000_000
_PROBLEMS = {
    "denied": "recorder.denied",
    "missing": "recorder.missing",
    "insecure": "recorder.insecure",
    "unsupported": "recorder.unsupported",
}


class _Recorder(Element, component="../assets/sound_recorder.js"):
    def __init__(self, uploader_id: int, max_seconds: int) -> None:
        super().__init__()
        self._props["uploader"], self._props["most"] = uploader_id, max_seconds


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
                label=t("recorder.file"),
                auto_upload=True,
                max_file_size=MAX_UPLOAD_BYTES,
                on_upload=self._take,
                on_rejected=lambda: panel.toast(t("recorder.too_large"), "negative"),
            )
            self._upload.props('accept="audio/*,.m4a,.ogg,.opus,.webm,.flac" flat bordered')
            with html.div().classes("row-line"):
                self._button = ui.button(t("recorder.start"), icon="mic", on_click=self._press).props("outline no-caps")
                self._recorder = _Recorder(self._upload.id, max_seconds)
        self._recorder.on("started", lambda: self._show(recording=True))
        self._recorder.on("stopped", lambda: self._show(recording=False))
        self._recorder.on("problem", self._explain)

    def _press(self) -> None:
        self._recorder.run_method("stop" if self._recording else "start")

    def _show(self, *, recording: bool) -> None:
        self._recording = recording
        self._button.text = self._panel.t("recorder.stop" if recording else "recorder.start")
        self._button.icon = "stop" if recording else "mic"

    async def _take(self, event: events.UploadEventArguments) -> None:
        content = await event.file.read()
        self._upload.reset()
        await self._on_sound(event.file.name, content)

    def _explain(self, event: events.GenericEventArguments) -> None:
        problem = str(event.args[0] if isinstance(event.args, list) else event.args)
        self._panel.toast(self._panel.t(_PROBLEMS.get(problem, "recorder.unsupported")), "negative")
