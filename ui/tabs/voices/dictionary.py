"""The pronunciation dictionary of a voice: words and how they are said, tried on a text before they are saved."""

from dataclasses import dataclass

from nicegui import html, ui
from pydantic import ValidationError

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.speech.pronunciations import MAX_ENTRIES, require_pronunciations
from deployments.contracts.errors import Conflict, SecretaryError
from deployments.contracts.speech import SpeechRequest, Voice
from deployments.contracts.voice_settings import Pronunciation
from deployments.conversation.pronunciation_preview import preview_pronunciations
from deployments.conversation.voice_views import stored_voice_settings
from ui.components.conflict_choice import ConflictChoice, FieldVersions
from ui.components.page_parts import card, icon_button
from ui.components.section import draw_empty_state
from ui.components.speech_samples import SpeechSamples
from ui.components.text_fields import TextArea, TextInput
from ui.context import PanelContext
from ui.languages import language_name
from ui.url_state import UrlState


async def draw_dictionary(panel: PanelContext, url: UrlState) -> None:
    voices = {voice.id: voice for voice in reversed(panel.services.installed_voices())}
    if not voices:
        draw_empty_state("record_voice_over", panel.t("voices.empty"), panel.t("voices.empty_hint"))
        return
    DictionarySection(panel, url, voices)


@dataclass(slots=True)
class _Line:
    """The widgets of one entry."""

    word: TextInput
    spoken: TextInput
    language: ui.select
    match_case: ui.checkbox
    element: ui.element


class DictionarySection:
    def __init__(self, panel: PanelContext, url: UrlState, voices: dict[str, Voice]) -> None:
        self._panel, self._url, self._voices = panel, url, voices
        self._may_change = panel.can_change(AdminResource.VOICES)
        self._lines: list[_Line] = []
        self._version = 0
        self._mine: tuple[Pronunciation, ...] = ()
        t = panel.t
        names = {voice.id: voice.name for voice in voices.values()}
        wanted = url.get("voice")
        with card(t("voices.words_title"), t("voices.words_note")), html.div().classes("rows"):
            self._voice = ui.select(
                names, value=wanted if wanted in names else next(iter(names)), label=t("voices.words_voice")
            )
            self._voice.props("outlined dense options-dense").on_value_change(self._choose)
            self._conflict = ConflictChoice(panel, self._save_mine, self._load, lambda: self._fill(self._mine))
            self._empty = html.p(t("voices.words_empty")).classes("muted")
            self._rows = html.div().classes("rows").props(f'role=list aria-label="{t("voices.words_title")}"')
            if self._may_change:
                with html.div().classes("row-line"):
                    ui.button(t("voices.words_add"), icon="add", on_click=lambda: self._add()).props("flat no-caps")
                    ui.button(t("common.save"), on_click=self._save).props("unelevated no-caps")
        if self._may_change:
            self._draw_preview()
        self._load()

    @property
    def _chosen(self) -> Voice:
        return self._voices[str(self._voice.value)]

    def _choose(self) -> None:
        self._url.set(voice=self._voice.value)
        self._conflict.hide()
        self._load()

    def _draw_preview(self) -> None:
        t = self._panel.t
        with card(t("voices.words_try"), t("voices.words_try_note")), html.div().classes("rows"):
            self._text = TextArea(t("voices.words_text"), value=t("voices.words_example"))
            self._text.props("outlined autogrow rows=1 maxlength=2000")
            with html.div().classes("row-line"):
                ui.button(t("voices.words_show"), on_click=self._preview).props("outline no-caps")
                samples = SpeechSamples(self._panel)
                label = t("voices.words_listen")
                samples.button(label, lambda: SpeechRequest(self._text.value or "", self._chosen.id), label)
            self._result = html.div().classes("voices-preview").props("role=status")

    def _load(self) -> None:
        stored = stored_voice_settings(self._chosen.id, self._panel.services.publisher.current)
        self._version = stored.version
        self._fill(stored.pronunciations)

    def _fill(self, entries: tuple[Pronunciation, ...]) -> None:
        self._rows.clear()
        self._lines = []
        for entry in entries:
            self._add(entry)
        self._empty.set_visibility(not entries)

    def _add(self, entry: Pronunciation | None = None) -> None:
        t = self._panel.t
        languages = {"": t("voices.words_every")} | {code: language_name(code, t) for code in self._chosen.languages}
        language = entry.language if entry else ""
        if language not in languages:
            languages[language] = language_name(language, t)
        with self._rows, html.div().classes("voices-word").props("role=listitem") as element:
            word = TextInput(t("voices.word"), value=entry.word if entry else "").props("outlined dense maxlength=100")
            spoken = TextInput(t("voices.spoken"), value=entry.spoken if entry else "")
            spoken.props("outlined dense maxlength=100")
            select = ui.select(languages, value=language, label=t("voices.language")).props("outlined dense")
            case = ui.checkbox(t("voices.match_case"), value=entry.match_case if entry else False)
            line = _Line(word, spoken, select, case, element)
            if self._may_change:
                icon_button("delete_outline", t("voices.word_delete"), lambda: self._remove(line))
        for field in (word, spoken, select, case):
            field.set_enabled(self._may_change)
        self._lines.append(line)
        self._empty.set_visibility(False)

    def _remove(self, line: _Line) -> None:
        self._lines.remove(line)
        line.element.delete()
        self._empty.set_visibility(not self._lines)

    def _entries(self) -> tuple[Pronunciation, ...] | None:
        """The entries as they are typed; None when one is not complete, which its field then says."""
        found: list[Pronunciation] = []
        for line in self._lines:
            word, spoken = (line.word.value or "").strip(), (line.spoken.value or "").strip()
            line.word.error = None if word else self._panel.t("voices.word_needed")
            line.spoken.error = None if spoken else self._panel.t("voices.spoken_needed")
            try:
                entry = Pronunciation(
                    word=word, spoken=spoken, language=line.language.value or "", match_case=line.match_case.value
                )
            except ValidationError:
                continue
            found.append(entry)
        return tuple(found) if len(found) == len(self._lines) <= MAX_ENTRIES else None

    async def _preview(self) -> None:
        panel, entries = self._panel, self._entries()
        text = (self._text.value or "").strip()
        if entries is None or not text:
            return
        try:
            panel.require_change(AdminResource.VOICES)
            require_pronunciations(entries)
            found = await preview_pronunciations(text, self._chosen, entries)
        except SecretaryError as error:
            panel.toast_error(error)
            return
        self._result.clear()
        with self._result:
            for sentence in found.spoken:
                ui.label(sentence)

    async def _save_mine(self) -> None:
        self._version = stored_voice_settings(self._chosen.id, self._panel.services.publisher.current).version
        await self._save()

    async def _save(self) -> None:
        panel, entries = self._panel, self._entries()
        if entries is None:
            return
        self._mine = entries
        try:
            by = panel.require_change(AdminResource.VOICES)
            voices = panel.services.office.voices
            stored = await voices.set_pronunciations(self._chosen.id, entries, self._version, by)
        except Conflict:
            theirs = stored_voice_settings(self._chosen.id, panel.services.publisher.current).pronunciations
            field = FieldVersions(panel.t("voices.words_title"), _as_text(entries), _as_text(theirs))
            self._conflict.show((field,))
        except SecretaryError as error:
            panel.toast_error(error)
        else:
            self._version = stored.version
            self._conflict.hide()
            panel.toast(panel.t("common.saved"))


def _as_text(entries: tuple[Pronunciation, ...]) -> str:
    return "; ".join(f"{entry.word} → {entry.spoken}" for entry in entries)
