"""The dialog that makes a cloned voice: a consent, a recording with its checks, a name."""

from collections.abc import Awaitable, Callable

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import SecretaryError
from deployments.contracts.voice_library import NewClonedVoice
from ui.components.sound_source import SoundSource
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.languages import language_name
from ui.tabs.voices.sample_checks import draw_checks
from ui.translations import LANGUAGES

_RESOURCE = AdminResource.CLONED_VOICES


class VoiceForm:
    """``on_saved`` is awaited after a voice was made."""

    def __init__(self, panel: PanelContext, on_saved: Callable[[], Awaitable[None]]) -> None:
        self._panel, self._on_saved = panel, on_saved
        self._sound: bytes | None = None
        t = panel.t
        with ui.dialog().props("persistent") as self._dialog, ui.card().classes("dialog").props("role=dialog") as box:
            box.props["aria-label"] = t("voices.cloned_add")
            self._dialog.props["aria-label"] = t("voices.cloned_add")
            ui.label(t("voices.cloned_add")).classes("dialog-title").props("role=heading aria-level=2")
            self._consent = ui.select({}, label=t("voices.cloned_consent")).props("outlined dense options-dense")
            self._consent.on_value_change(self._forget)
            self._no_consent = ui.label(t("voices.cloned_needs_consent")).classes("notice").props("role=note")
            self._name = TextInput(t("voices.cloned_name")).props("outlined dense maxlength=100")
            names = {code: language_name(code, t) for code in LANGUAGES}
            self._languages = ui.select(names, multiple=True, label=t("voices.cloned_languages"))
            self._languages.props("outlined dense use-chips").props["hint"] = t("voices.cloned_languages_hint")
            html.p(t("voices.cloned_record")).classes("muted")
            SoundSource(panel, self._take)
            self._checks = html.div().props("role=status")
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=self._dialog.close).props("flat no-caps")
                self._save_button = ui.button(t("voices.cloned_make"), on_click=self._save).props("unelevated no-caps")

    async def open(self) -> None:
        consents = await self._panel.services.office.voice_consents.list()
        valid = {each.id: f"{each.person}, {each.given_at:%d.%m.%Y}" for each in consents if each.revoked_at is None}
        self._consent.set_options(valid, value=next(iter(valid), None))
        self._no_consent.set_visibility(not valid)
        self._name.value, self._name.error, self._languages.value = "", None, []
        self._forget()
        self._dialog.open()

    def _forget(self) -> None:
        """The recording was compared with another consent."""
        self._sound = None
        self._checks.clear()
        self._save_button.disable()

    async def _take(self, name: str, content: bytes) -> None:
        panel, t = self._panel, self._panel.t
        self._forget()
        with self._checks:
            html.p(t("voices.cloned_checking", name=name)).classes("muted")
        try:
            panel.require_change(_RESOURCE)
            findings = await panel.services.office.cloned_voices.examine(content, str(self._consent.value or ""))
        except SecretaryError as error:
            self._checks.clear()
            panel.toast_error(error)
            return
        self._checks.clear()
        with self._checks:
            draw_checks(findings, t)
        if all(not each.problem for each in findings) and self._consent.value:
            self._sound = content
            self._save_button.enable()

    async def _save(self) -> None:
        panel, t = self._panel, self._panel.t
        name = (self._name.value or "").strip()
        self._name.error = None if name else t("voices.cloned_needs_name")
        if not name or self._sound is None:
            return
        draft = NewClonedVoice(
            name=name,
            consent_id=str(self._consent.value),
            sample=self._sound,
            languages=tuple(self._languages.value or ()),
        )
        self._save_button.props("loading")
        try:
            by = panel.require_change(_RESOURCE)
            taken = [voice.id for voice in panel.services.installed_voices()]
            await panel.services.office.cloned_voices.add(draft, by, taken)
        except SecretaryError as error:
            panel.toast_error(error)
            return
        finally:
            self._save_button.props(remove="loading")
        self._dialog.close()
        panel.toast(t("voices.cloned_made"))
        await self._on_saved()
