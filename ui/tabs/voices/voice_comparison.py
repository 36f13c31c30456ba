"""Two voices say the same text, one after the other, with their times."""

from collections.abc import Callable, Sequence

from nicegui import html, ui

from deployments.contracts.speech import SpeechRequest
from deployments.conversation.voice_views import VoiceView
from ui.components.speech_samples import SpeechSamples, SpeechTimes
from ui.context import PanelContext
from ui.formatting import format_duration, format_number


class VoiceComparison:
    """Drawn inside the card with the text."""

    def __init__(
        self, panel: PanelContext, samples: SpeechSamples, request: Callable[[VoiceView], SpeechRequest]
    ) -> None:
        self._panel, self._samples, self._request = panel, samples, request
        self._views: dict[str, VoiceView] = {}
        t = panel.t
        self._selects: list[ui.select] = []
        self._results: list[ui.label] = []
        with ui.expansion(t("voices.compare"), icon="compare_arrows").classes("voices-compare").props("dense"):
            with html.div().classes("voices-pair"):
                for label in ("voices.voice_a", "voices.voice_b"):
                    with html.div():
                        select = ui.select({}, label=t(label)).props("outlined dense options-dense")
                        self._selects.append(select)
                        self._results.append(ui.label().classes("muted").props("role=status"))
            with html.div().classes("row-line"):
                ui.button(t("voices.compare_play"), icon="play_arrow", on_click=self._play).props("outline no-caps")
                ui.button(t("sample.stop"), on_click=samples.stop).props("flat no-caps")

    def show(self, views: Sequence[VoiceView]) -> None:
        views = [view for view in views if view.available]
        self._views = {view.id: view for view in views}
        options = {view.id: view.name for view in views}
        for index, select in enumerate(self._selects):
            if select.options != options:
                kept = select.value if select.value in options else None
                select.set_options(options, value=kept or next(iter(list(options)[index:]), None))

    async def _play(self) -> None:
        for select, result in zip(self._selects, self._results, strict=True):
            result.text = ""
            view = self._views.get(str(select.value))
            if view is None:
                continue
            times = await self._samples.speak(self._request(view))
            if times is None:
                return
            result.text = self._text(times)

    def _text(self, times: SpeechTimes) -> str:
        t = self._panel.t
        return t(
            "voices.times",
            first=format_duration(times.first_ms, t),
            made=format_duration(times.made_ms, t),
            sound=t("unit.s", value=format_number(times.seconds, 1, t)),
        )
