"""The list of voices: listen, compare, choose the default ones, switch off, rename."""

from dataclasses import dataclass

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.speech.voices import VoiceDraft
from deployments.contracts.speech import SpeechRequest
from deployments.conversation.voice_views import VoiceView, voice_view
from ui.components.page_parts import attempt, card, icon_button, pill, show_search_icon
from ui.components.section import KeyedList, RedrawnSection, draw_empty_state
from ui.components.speech_samples import SpeechSamples
from ui.components.text_fields import TextArea, TextInput
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext
from ui.languages import language_name
from ui.revisions import follow_changes
from ui.tabs.voices.default_voices import DefaultVoices
from ui.tabs.voices.voice_comparison import VoiceComparison
from ui.tabs.voices.voice_editor import VoiceEditor
from ui.tabs.voices.voice_kinds import kind_name, kind_text, sample_text
from ui.url_state import UrlState

PAGE_SIZE = 30
ALL = "all"


async def draw_voice_list(panel: PanelContext, url: UrlState) -> None:
    section = VoiceListSection(panel, url)
    await section.refresh()
    follow_changes(panel, section.refresh)
    refresh_while_visible(panel, section.refresh)


@dataclass(frozen=True, slots=True)
class _Foot:
    shown: int
    total: int
    installed: int


class VoiceListSection:
    """Redraws only the rows that changed, so that a sample plays on."""

    def __init__(self, panel: PanelContext, url: UrlState) -> None:
        self._panel, self._url = panel, url
        self._may_change = panel.can_change(AdminResource.VOICES)
        self._limit = PAGE_SIZE
        t = panel.t
        self._language = url.get("language", self._first_language())
        self._query = url.get("q")
        self._editor = VoiceEditor(panel, self.refresh)
        self._defaults = DefaultVoices(panel)
        if self._may_change:
            self._samples = SpeechSamples(panel)
            with card(t("voices.try_title"), t("voices.try_note")):
                self._text = TextArea(t("voices.try_text")).props("outlined autogrow maxlength=2000 rows=1")
                self._text.props["hint"] = t("voices.try_hint")
                self._comparison = VoiceComparison(panel, self._samples, self._request)
        self._draw_filter()
        rows = html.div().classes("rows").props(f'role=list aria-label="{t("voices.tab_list")}"')
        self._rows: KeyedList[VoiceView] = KeyedList(rows, self._draw_row)
        self._foot: RedrawnSection[_Foot] = RedrawnSection(html.div().classes("voices-foot"), self._draw_foot)

    async def refresh(self) -> None:
        views = self._views()
        found = [view for view in views if self._matches(view)]
        self._rows.show(found[: self._limit])
        self._foot.show(_Foot(min(self._limit, len(found)), len(found), len(views)))
        self._defaults.show(views)
        if self._may_change:
            self._comparison.show([view for view in views if self._language in (ALL, *view.languages)])

    def _views(self) -> list[VoiceView]:
        services = self._panel.services
        snapshot = services.publisher.current
        views = {voice.id: voice_view(voice, snapshot) for voice in reversed(services.installed_voices())}
        return sorted(views.values(), key=lambda view: (not view.cloned, not view.neural, view.engine, view.name))

    def _matches(self, view: VoiceView) -> bool:
        speaks = self._language == ALL or self._language in view.languages
        query = self._query.casefold()
        return speaks and (not query or query in f"{view.name} {view.id} {view.description}".casefold())

    def _first_language(self) -> str:
        language = self._panel.services.publisher.current.settings.default_language
        return language if any(language in v.languages for v in self._panel.services.installed_voices()) else ALL

    def _draw_filter(self) -> None:
        t = self._panel.t
        codes = {code for voice in self._panel.services.installed_voices() for code in voice.languages}
        names = sorted(((language_name(code, t), code) for code in codes), key=lambda pair: (len(pair[0]) < 3, pair))
        options = {ALL: t("voices.all_languages")} | {code: name for name, code in names}
        self._language = self._language if self._language in options else ALL
        with html.div().classes("row-line voices-filter"):
            html.h2(t("voices.list_title"))
            search = TextInput(t("common.search"), value=self._query, on_change=lambda e: self._search(e.value or ""))
            search.props("outlined dense clearable debounce=250")
            show_search_icon(search)
            language = ui.select(
                options, value=self._language, label=t("voices.language"), on_change=lambda e: self._choose(e.value)
            )
            language.props("outlined dense options-dense").classes("voices-language")

    async def _search(self, text: str) -> None:
        self._query, self._limit = text, PAGE_SIZE
        self._url.set(q=text)
        await self.refresh()

    async def _choose(self, language: str) -> None:
        self._language, self._limit = language, PAGE_SIZE
        self._url.set(language=language)
        await self.refresh()

    def _request(self, view: VoiceView) -> SpeechRequest:
        typed = (self._text.value or "").strip()
        language = self._language if self._language in view.languages else view.languages[0]
        return SpeechRequest(typed or sample_text(language, self._panel.t), view.id, None if typed else language)

    def _draw_row(self, view: VoiceView) -> ui.element:
        t = self._panel.t
        state = "" if view.enabled else "voice-off"
        with html.article().classes(f"card voice-row {state}").props("role=listitem") as row:
            row.props["data-voice"] = view.id
            if self._may_change:
                button = self._samples.button(t("voices.listen_to", name=view.name), lambda: self._request(view))
                if not view.available:
                    button.element.props("disabled")
            with html.div().classes("voice-text"):
                with html.div().classes("row-line"):
                    html.h3(view.name)
                    pill(kind_name(view.engine, t))
                    for code in view.default_for:
                        pill(t("voices.default_for", language=language_name(code, t)), "good")
                    if not view.enabled:
                        pill(t("voices.off"), "warn")
                    elif not view.available:
                        pill(t("voices.no_consent"), "warn")
                html.p(kind_text(view.engine, t)).classes("muted")
                html.p(self._facts(view)).classes("muted voice-facts")
                if view.description:
                    html.p(view.description)
            if self._may_change:
                self._draw_actions(view)
        element: ui.element = row
        return element

    def _draw_actions(self, view: VoiceView) -> None:
        t = self._panel.t
        with html.div().classes("voice-actions"):
            switch = ui.switch(value=view.enabled, on_change=lambda e: self._switch(view, bool(e.value)))
            switch.props["aria-label"] = t("voices.enabled_of", name=view.name)
            icon_button("edit", t("voices.edit_of", name=view.name), lambda: self._editor.open(view.id)).props(
                "aria-haspopup=dialog"
            )

    def _facts(self, view: VoiceView) -> str:
        t = self._panel.t
        names = [language_name(code, t) for code in view.languages[:6]]
        rest = len(view.languages) - len(names)
        facts = [t("voices.speaks", languages=", ".join(names) + (f" +{rest}" if rest else ""))]
        if view.preset:
            facts.append(t("voices.with_preset", preset=view.preset))
        if view.pronunciations:
            facts.append(t.count("voices.words", view.pronunciations))
        return " · ".join(facts)

    def _draw_foot(self, foot: _Foot) -> None:
        t = self._panel.t
        if not foot.installed:
            draw_empty_state("record_voice_over", t("voices.empty"), t("voices.empty_hint"))
        elif not foot.total:
            draw_empty_state("search_off", t("voices.nothing_found"), t("voices.nothing_found_hint"))
        else:
            html.span(t.count("voices.found", foot.total)).classes("muted")
        if foot.shown < foot.total:
            ui.button(t("voices.more"), on_click=self._show_more).props("flat no-caps")

    async def _show_more(self) -> None:
        self._limit += PAGE_SIZE
        await self.refresh()

    async def _switch(self, view: VoiceView, enabled: bool) -> None:
        t, services = self._panel.t, self._panel.services
        draft = VoiceDraft(name=view.name if view.name != view.engine_name else "", description=view.description)
        draft = draft.model_copy(update={"preset": view.preset, "enabled": enabled})

        async def store() -> None:
            by = self._panel.require_change(AdminResource.VOICES)
            await services.office.voices.update_settings(view.id, draft, view.version, by)

        if not await attempt(self._panel, store, t("voices.switched_on" if enabled else "voices.switched_off")):
            self._rows.redraw(view)
        await self.refresh()
