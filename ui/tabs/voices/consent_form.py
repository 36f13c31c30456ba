"""The dialog that records a consent: who, in which language, the text that is read, and the recording of it."""

from collections.abc import Awaitable, Callable

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.speech.voice_consents import wording_of
from deployments.contracts.errors import SecretaryError
from deployments.contracts.voice_library import NewVoiceConsent
from ui.components.sound_source import SoundSource
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.languages import language_name
from ui.translations import LANGUAGES


class ConsentForm:
    """``on_saved`` is awaited after a consent was stored."""

    def __init__(self, panel: PanelContext, on_saved: Callable[[], Awaitable[None]]) -> None:
        self._panel, self._on_saved = panel, on_saved
        self._sound: bytes | None = None
        t = panel.t
        with ui.dialog().props("persistent") as self._dialog, ui.card().classes("dialog").props("role=dialog") as box:
            box.props["aria-label"] = t("voices.consent_add")
            self._dialog.props["aria-label"] = t("voices.consent_add")
            ui.label(t("voices.consent_add")).classes("dialog-title").props("role=heading aria-level=2")
            self._person = TextInput(t("voices.consent_person")).props("outlined dense maxlength=200")
            names = {code: language_name(code, t) for code in LANGUAGES}
            self._language = ui.select(names, value=t.language, label=t("voices.consent_language"))
            self._language.props("outlined dense").on_value_change(self._show_wording)
            with html.div():
                html.p(t("voices.consent_read")).classes("muted")
                self._wording = ui.label().classes("consent-wording")
            SoundSource(panel, self._take)
            self._taken = ui.label(t("voices.consent_no_sound")).classes("muted").props("role=status")
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=self._dialog.close).props("flat no-caps")
                self._save_button = ui.button(t("common.save"), on_click=self._save).props("unelevated no-caps")

    def open(self) -> None:
        self._sound = None
        self._person.value, self._person.error = "", None
        self._taken.text = self._panel.t("voices.consent_no_sound")
        self._show_wording()
        self._dialog.open()

    def _show_wording(self) -> None:
        self._wording.text = wording_of(str(self._language.value))

    async def _take(self, name: str, content: bytes) -> None:
        self._sound = content
        self._taken.text = self._panel.t("voices.consent_sound", name=name)

    async def _save(self) -> None:
        panel, t = self._panel, self._panel.t
        person = (self._person.value or "").strip()
        self._person.error = None if person else t("voices.consent_needs_person")
        if not person:
            return
        if self._sound is None:
            panel.toast(t("voices.consent_no_sound"), "warning")
            return
        self._save_button.props("loading")
        try:
            by = panel.require_change(AdminResource.CLONED_VOICES)
            consent = NewVoiceConsent(person, str(self._language.value), self._sound)
            await panel.services.office.voice_consents.add(consent, by)
        except SecretaryError as error:
            panel.toast_error(error)
            return
        finally:
            self._save_button.props(remove="loading")
        self._dialog.close()
        panel.toast(t("voices.consent_saved"))
        await self._on_saved()
