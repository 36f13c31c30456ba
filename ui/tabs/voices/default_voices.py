"""Which voice speaks a language when nobody chooses one."""

from collections.abc import Sequence
from dataclasses import dataclass

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.settings import Settings
from deployments.conversation.voice_views import (
    VoiceView,
    require_usable,
    speaking_voice,
    with_default_voice,
    without_default_voice,
)
from ui.components.page_parts import attempt, card
from ui.components.section import RedrawnSection
from ui.context import PanelContext
from ui.languages import language_name
from ui.translations import LANGUAGES

AUTOMATIC = ""


@dataclass(frozen=True, slots=True)
class _Row:
    """``spoken_by`` is the voice that speaks now."""

    language: str
    chosen: str
    spoken_by: str
    options: tuple[tuple[str, str], ...]


class DefaultVoices:
    """A card with one choice for each language."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        t = panel.t
        with card(t("voices.defaults_title"), t("voices.defaults_note")):
            container = html.div().classes("voices-defaults")
        self._rows: RedrawnSection[tuple[_Row, ...]] = RedrawnSection(container, self._draw)

    def show(self, views: Sequence[VoiceView]) -> None:
        snapshot = self._panel.services.publisher.current
        chosen = snapshot.settings.speech.default_voices
        languages = dict.fromkeys((snapshot.settings.default_language, *LANGUAGES, *sorted(chosen)))
        self._rows.show(tuple(self._row(language, chosen.get(language, AUTOMATIC), views) for language in languages))

    def _row(self, language: str, chosen: str, views: Sequence[VoiceView]) -> _Row:
        services = self._panel.services
        voice = speaking_voice(language, services.installed_voices(), services.publisher.current)
        options = [(view.id, view.name) for view in views if language in view.languages and view.available]
        if chosen and chosen not in dict(options):
            options.append((chosen, self._panel.t("voices.missing", voice=chosen)))
        names = {view.id: view.name for view in views}
        return _Row(language, chosen, names.get(voice.id, voice.name) if voice else "", tuple(options))

    def _draw(self, rows: tuple[_Row, ...]) -> None:
        t = self._panel.t
        may_change = self._panel.can_change(AdminResource.VOICES)
        for row in rows:
            automatic = t("voices.automatic", voice=row.spoken_by) if row.spoken_by else t("voices.nobody")
            select = ui.select(
                {AUTOMATIC: automatic} | dict(row.options),
                value=row.chosen,
                label=language_name(row.language, t),
                on_change=lambda e, language=row.language: self._choose(language, str(e.value)),
            )
            select.props(f'outlined dense options-dense data-language="{row.language}"')
            select.set_enabled(may_change and bool(row.options))

    async def _choose(self, language: str, voice_id: str) -> None:
        services = self._panel.services

        def edit(settings: Settings) -> Settings:
            if not voice_id:
                return without_default_voice(settings, language)
            voice = next(each for each in services.installed_voices() if each.id == voice_id)
            require_usable(voice, services.publisher.current)
            return with_default_voice(settings, voice, language)

        async def store() -> None:
            by = self._panel.require_change(AdminResource.VOICES)
            await services.office.settings.edit(edit, by)

        if not await attempt(self._panel, store, self._panel.t("common.saved")):
            self._rows.show(())  # the next refresh shows what is stored
