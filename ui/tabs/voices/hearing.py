"""Recognition: who hears, a recording to transcribe, and the round trip of a text through voice and ear."""

from dataclasses import dataclass
from difflib import SequenceMatcher

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.speech.recognition import (
    HearingChoice,
    RoundTrip,
    hearing_choice,
    recognition_engines,
    round_trip,
    transcribe_recording,
)
from deployments.contracts.errors import SecretaryError
from deployments.contracts.speech import EngineStatus, RecognitionRequest
from ui.components.command_copy import draw_command
from ui.components.page_parts import card, fact, pill
from ui.components.section import RedrawnSection, draw_empty_state
from ui.components.sound_source import SoundSource
from ui.components.text_fields import TextArea
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext
from ui.formatting import format_number
from ui.languages import language_name


async def draw_hearing(panel: PanelContext) -> None:
    section = HearingSection(panel)
    await section.refresh()
    refresh_while_visible(panel, section.refresh, max(1.0, panel.refresh_interval_s))


@dataclass(frozen=True, slots=True)
class _View:
    engines: tuple[EngineStatus, ...]
    file: HearingChoice
    live: HearingChoice


class HearingSection:
    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        t = panel.t
        with card(t("voices.ear_title"), t("voices.ear_note")):
            self._engines: RedrawnSection[_View] = RedrawnSection(html.div().classes("rows"), self._draw)
        if panel.can_change(AdminResource.RECOGNITION):
            self._draw_round_trip()
        if panel.can_change(AdminResource.TRANSCRIPTS):
            self._draw_transcription()

    async def refresh(self) -> None:
        try:
            engines = await recognition_engines(self._panel.services.assistant)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._engines.show(_View(tuple(engines), hearing_choice(engines, "file"), hearing_choice(engines, "live")))

    def _draw(self, view: _View) -> None:
        t = self._panel.t
        if not view.engines:
            draw_empty_state("hearing_disabled", t("voices.ear_none"), t("voices.ear_none_hint"))
            return
        for engine in view.engines:
            with html.div().classes("voices-ear"):
                with html.div().classes("row-line"):
                    html.h3(engine.engine)
                    ready = t("voices.ear_ready") if engine.ready else t("voices.ear_not_ready")
                    pill(t("voices.ear_loading") if engine.loading else ready, "good" if engine.ready else "warn")
                    if engine.engine == view.file.engine:
                        pill(t("voices.ear_file"))
                    if engine.engine == view.live.engine:
                        pill(t("voices.ear_live"))
                names = [language_name(code, t) for code in engine.languages]
                heard = ", ".join(names) if names else t("voices.all_languages")
                speed = t("voices.ear_words" if engine.live else "voices.ear_whole")
                html.p(f"{engine.model} · {heard} · {speed}").classes("muted voice-facts")
                if engine.error:
                    html.p(engine.error).classes("muted voice-facts")
                if engine.remedy:
                    draw_command(self._panel, engine.remedy)

    def _draw_round_trip(self) -> None:
        t = self._panel.t
        voices = {voice.id: voice.name for voice in self._panel.services.assistant.voices()}
        with card(t("voices.trip_title"), t("voices.trip_note")), html.div().classes("rows"):
            self._text = TextArea(t("voices.trip_text"), value=t("voices.trip_example"))
            self._text.props("outlined autogrow rows=1 maxlength=500")
            with html.div().classes("row-line"):
                self._voice = ui.select({"": t("voices.trip_any")} | voices, value="", label=t("voices.trip_voice"))
                self._voice.props("outlined dense options-dense").classes("voices-language")
                self._trip_button = ui.button(t("voices.trip_start"), on_click=self._round_trip)
                self._trip_button.props("unelevated no-caps")
            self._trip = html.div().props("role=status")

    async def _round_trip(self) -> None:
        panel, text = self._panel, (self._text.value or "").strip()
        if not text:
            return
        self._trip.clear()
        self._trip_button.props("loading")
        try:
            panel.require_change(AdminResource.RECOGNITION)
            result = await round_trip(panel.services.assistant, text, self._voice.value or None)
        except SecretaryError as error:
            panel.toast_error(error)
            return
        finally:
            self._trip_button.props(remove="loading")
        with self._trip:
            self._draw_trip(result)

    def _draw_trip(self, result: RoundTrip) -> None:
        t = self._panel.t
        with html.div().classes("row-line"):
            pill(t("voices.trip_same" if result.match else "voices.trip_differs"), "good" if result.match else "warn")
            percent = format_number(100 * result.ratio, 0, t)
            html.span(t("voices.trip_ratio", percent=percent, engine=result.engine)).classes("muted")
        both = marked_words(result.original_text, result.recognized_text)
        with html.dl().classes("voices-trip"):
            for name, words in zip(("voices.trip_said", "voices.trip_heard"), both, strict=True):
                with html.div():
                    html.dt(t(name)).classes("muted")
                    with html.dd():
                        for word, differs in words:
                            (html.mark if differs else html.span)(f"{word} ")

    def _draw_transcription(self) -> None:
        t = self._panel.t
        with card(t("voices.file_title"), t("voices.file_note")), html.div().classes("rows"):
            SoundSource(self._panel, self._transcribe)
            self._transcript = html.div().props("role=status")

    async def _transcribe(self, name: str, content: bytes) -> None:
        panel, t = self._panel, self._panel.t
        self._transcript.clear()
        with self._transcript:
            html.p(t("voices.file_listening", name=name)).classes("muted")
        try:
            panel.require_change(AdminResource.TRANSCRIPTS)
            recording = RecognitionRequest(content)
            finished = (await transcribe_recording(panel.services.assistant, recording)).finished
        except SecretaryError as error:
            self._transcript.clear()
            panel.toast_error(error)
            return
        self._transcript.clear()
        with self._transcript:
            ui.label(finished.text.strip() or t("voices.file_silence")).classes("voices-preview")
            with html.dl().classes("facts voices-facts"):
                fact(t("voices.file_seconds"), t("unit.s", value=format_number(finished.seconds, 1, t)))
                fact(t("voices.file_language"), language_name(finished.language, t) if finished.language else "—")
                fact(t("voices.file_engine"), finished.engine or "—")


def marked_words(said: str, heard: str) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
    """The words of both texts, each with whether the other text lacks it there."""
    first, second = said.split(), heard.split()
    blocks = SequenceMatcher(None, [_plain(w) for w in first], [_plain(w) for w in second]).get_matching_blocks()
    same_first = {n for block in blocks for n in range(block.a, block.a + block.size)}
    same_second = {n for block in blocks for n in range(block.b, block.b + block.size)}
    return (
        [(word, n not in same_first) for n, word in enumerate(first)],
        [(word, n not in same_second) for n, word in enumerate(second)],
    )


def _plain(word: str) -> str:
    return "".join(character for character in word.casefold() if character.isalnum())
