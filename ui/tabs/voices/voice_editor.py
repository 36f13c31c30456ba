"""The dialog that changes the name, the description and the preset of a voice."""

from collections.abc import Awaitable, Callable

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.speech.voices import VoiceDraft
from deployments.contracts.errors import Conflict, SecretaryError
from deployments.conversation.voice_views import stored_voice_settings
from ui.context import PanelContext


class VoiceEditor:
    """One dialog for each page. ``on_saved`` is awaited after a change."""

    def __init__(self, panel: PanelContext, on_saved: Callable[[], Awaitable[None]]) -> None:
        self._panel, self._on_saved = panel, on_saved
        self._voice_id, self._version, self._enabled = "", 0, True
        t = panel.t
        with ui.dialog().props("persistent") as self._dialog, ui.card().classes("dialog").props("role=dialog"):
            self._title = ui.label().classes("dialog-title").props("role=heading aria-level=2")
            with html.div().classes("notice").props("role=alert") as self._conflict:
                ui.label(t("voices.conflict"))
                ui.button(t("voices.load_theirs"), on_click=self._load).props("flat dense no-caps")
            self._name = ui.input(t("voices.name")).props("outlined maxlength=100")
            self._name.props["hint"] = t("voices.name_hint")
            self._description = ui.textarea(t("voices.description")).props("outlined autogrow maxlength=2000")
            self._preset = ui.select({}, label=t("voices.preset")).props("outlined options-dense")
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=self._dialog.close).props("flat no-caps")
                ui.button(t("common.save"), on_click=self._save).props("unelevated no-caps")

    async def open(self, voice_id: str) -> None:
        self._voice_id = voice_id
        presets = await self._panel.services.office.presets.list()
        names = {preset.name: preset.display_name or preset.name for preset in presets}
        self._preset.set_options({"": self._panel.t("voices.default_preset")} | names)
        self._load()
        self._dialog.open()

    def _load(self) -> None:
        """Shows what is stored now."""
        services = self._panel.services
        stored = stored_voice_settings(self._voice_id, services.publisher.current)
        self._version, self._enabled = stored.version, stored.enabled
        voices = {voice.id: voice.name for voice in services.installed_voices()}
        self._title.text = voices.get(self._voice_id, self._voice_id)
        self._name.value, self._description.value, self._preset.value = stored.name, stored.description, stored.preset
        self._conflict.set_visibility(False)

    async def _save(self) -> None:
        panel = self._panel
        draft = VoiceDraft(
            name=(self._name.value or "").strip(),
            description=(self._description.value or "").strip(),
            enabled=self._enabled,
            preset=self._preset.value or "",
        )
        try:
            by = panel.require_change(AdminResource.VOICES)
            await panel.services.office.voices.update_settings(self._voice_id, draft, self._version, by)
        except Conflict:
            self._conflict.set_visibility(True)
        except SecretaryError as error:
            panel.toast_error(error)
        else:
            self._dialog.close()
            panel.toast(panel.t("common.saved"))
        await self._on_saved()
