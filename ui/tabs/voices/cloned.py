"""Cloned voices and the consents to them."""

from dataclasses import dataclass
from functools import partial

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import SecretaryError
from deployments.contracts.voice_library import StoredClonedVoice, StoredVoiceConsent
from ui.components.confirmation_dialog import ask_typed_confirmation
from ui.components.page_parts import attempt, card, icon_button, pill, read_only_note
from ui.components.section import RedrawnSection, draw_empty_state
from ui.components.speech_samples import SpeechSamples
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext
from ui.formatting import format_number
from ui.languages import language_name
from ui.revisions import follow_changes
from ui.tabs.voices.consent_form import ConsentForm
from ui.tabs.voices.voice_form import VoiceForm
from ui.tabs.voices.voice_samples_dialog import VoiceSamplesDialog
from ui.tabs.voices.wav_sound import Sound, read_wav

_RESOURCE = AdminResource.CLONED_VOICES


async def draw_cloned(panel: PanelContext) -> None:
    section = ClonedSection(panel)
    await section.refresh()
    follow_changes(panel, section.refresh)
    refresh_while_visible(panel, section.refresh, max(1.0, panel.refresh_interval_s))


@dataclass(frozen=True, slots=True)
class _VoiceRow:
    voice: StoredClonedVoice
    person: str
    consented: bool
    installed: bool


class ClonedSection:
    """Voices first, then consents; two dialogs add them."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._may_change = panel.can_change(_RESOURCE)
        t = panel.t
        read_only_note(panel, _RESOURCE)
        self._samples = SpeechSamples(panel)
        self._consent_form = ConsentForm(panel, self.refresh)
        self._voice_form = VoiceForm(panel, self.refresh)
        self._dialog = VoiceSamplesDialog(panel, self._samples, self.refresh)
        with card(t("voices.cloned_title"), t("voices.cloned_note")):
            voices = html.div().classes("rows")
            if self._may_change:
                ui.button(t("voices.cloned_add"), icon="add", on_click=self._voice_form.open).props(
                    "unelevated no-caps aria-haspopup=dialog"
                ).classes("voices-add")
        with card(t("voices.consents_title"), t("voices.consents_note")):
            consents = html.div().classes("rows")
            if self._may_change:
                ui.button(t("voices.consent_add"), icon="add", on_click=self._consent_form.open).props(
                    "unelevated no-caps aria-haspopup=dialog"
                ).classes("voices-add")
        self._voices: RedrawnSection[tuple[_VoiceRow, ...]] = RedrawnSection(voices, self._draw_voices)
        self._consents: RedrawnSection[tuple[StoredVoiceConsent, ...]] = RedrawnSection(consents, self._draw_consents)

    async def refresh(self) -> None:
        services = self._panel.services
        try:
            self._panel.require_read(_RESOURCE)
            consents = await services.office.voice_consents.list()
            voices = await services.office.cloned_voices.list()
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        people = {each.id: each.person for each in consents}
        consented = services.publisher.current.consented_voices()
        installed = {voice.id for voice in services.installed_voices()}
        self._voices.show(
            tuple(
                _VoiceRow(voice, people.get(voice.consent_id, ""), voice.id in consented, voice.id in installed)
                for voice in voices
            )
        )
        self._consents.show(consents)

    def _draw_voices(self, rows: tuple[_VoiceRow, ...]) -> None:
        t = self._panel.t
        if not rows:
            draw_empty_state("person_add", t("voices.cloned_empty"), t("voices.cloned_empty_hint"))
        for row in rows:
            voice = row.voice
            with html.div().classes("row-line voices-answer") as line:
                line.props["data-cloned"] = voice.id
                with html.div().classes("voice-text"):
                    html.h3(voice.name)
                    facts = [row.person, ", ".join(language_name(code, t) for code in voice.languages)]
                    facts.append(t("voices.cloned_seconds", seconds=format_number(voice.seconds, 1, t)))
                    html.p(" · ".join(fact for fact in facts if fact)).classes("muted voice-facts")
                if not row.consented:
                    pill(t("voices.no_consent"), "warn")
                elif row.installed:
                    pill(t("voices.cloned_speaks"), "good")
                else:
                    pill(t("voices.cloned_waits"))
                icon_button(
                    "graphic_eq", t("voices.samples_of", name=voice.name), partial(self._dialog.open, voice.id)
                ).props("aria-haspopup=dialog")
                if self._may_change:
                    label = t("voices.cloned_delete_of", name=voice.name)
                    icon_button("delete_outline", label, partial(self._delete, voice)).props("aria-haspopup=dialog")

    def _draw_consents(self, consents: tuple[StoredVoiceConsent, ...]) -> None:
        t = self._panel.t
        if not consents:
            draw_empty_state("how_to_reg", t("voices.consents_empty"), t("voices.consents_empty_hint"))
        for consent in consents:
            with html.div().classes("row-line voices-answer") as line:
                line.props["data-consent"] = consent.id
                label = t("voices.consent_listen", person=consent.person)
                self._samples.sound_button(label, partial(self._recording, consent.id))
                with html.div().classes("voice-text"):
                    html.h3(consent.person)
                    html.p(self._consent_facts(consent)).classes("muted voice-facts")
                    html.p(f"«{consent.wording}»").classes("voice-facts")
                if consent.revoked_at is not None:
                    revoked = t("voices.consent_revoked", date=f"{consent.revoked_at:%d.%m.%Y}", by=consent.revoked_by)
                    pill(revoked, "warn")
                    continue
                pill(t("voices.consent_valid"), "good")
                if self._may_change:
                    label = t("voices.consent_revoke_of", person=consent.person)
                    icon_button("block", label, partial(self._revoke, consent)).props("aria-haspopup=dialog")

    def _consent_facts(self, consent: StoredVoiceConsent) -> str:
        t = self._panel.t
        when = f"{consent.given_at:%d.%m.%Y %H:%M} UTC" if consent.given_at else "—"
        facts = [t("voices.consent_given", when=when, by=consent.recorded_by), language_name(consent.language, t)]
        return " · ".join([*facts, t("voices.cloned_seconds", seconds=format_number(consent.seconds, 1, t))])

    async def _recording(self, consent_id: str) -> Sound:
        self._panel.require_read(_RESOURCE)
        consents = self._panel.services.office.voice_consents
        return await read_wav(await consents.recording(consent_id, self._panel.session.username))

    async def _revoke(self, consent: StoredVoiceConsent) -> None:
        panel, t = self._panel, self._panel.t
        text = t("voices.consent_revoke_text", person=consent.person)
        title = t("voices.consent_revoke")
        if not await ask_typed_confirmation(panel, title, text, consent.person, title):
            return

        async def revoke() -> None:
            await panel.services.office.voice_consents.revoke(consent.id, panel.require_change(_RESOURCE))

        await attempt(panel, revoke, t("voices.consent_is_revoked"))
        await self.refresh()

    async def _delete(self, voice: StoredClonedVoice) -> None:
        panel, t = self._panel, self._panel.t
        text = t("voices.cloned_delete_text", name=voice.name)
        title = t("voices.cloned_delete")
        if not await ask_typed_confirmation(panel, title, text, voice.name, title):
            return

        async def delete() -> None:
            await panel.services.office.cloned_voices.delete(voice.id, panel.require_change(_RESOURCE))

        await attempt(panel, delete, t("voices.cloned_deleted"))
        await self.refresh()
