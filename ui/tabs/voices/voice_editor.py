"""The dialog that changes the name, the description and the preset of a voice."""

from collections.abc import Awaitable, Callable

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.speech.voices import VoiceDraft
from deployments.contracts.errors import Conflict, SecretaryError
from deployments.contracts.voice_settings import VoiceSettings
from deployments.conversation.voice_views import stored_voice_settings
from ui.components.conflict_choice import ConflictChoice, FieldVersions
from ui.components.text_fields import TextArea, TextInput
from ui.context import PanelContext


class VoiceEditor:
    """One dialog for each page. ``on_saved`` is awaited after a change."""

    def __init__(self, panel: PanelContext, on_saved: Callable[[], Awaitable[None]]) -> None:
        self._panel, self._on_saved = panel, on_saved
        self._voice_id = ""
        self._read = VoiceSettings(id="", version=0)
        self._mine = VoiceDraft()
        t = panel.t
        with ui.dialog().props("persistent") as self._dialog, ui.card().classes("dialog").props("role=dialog") as box:
            box.props["aria-label"] = t("voices.edit_title")
            self._dialog.props["aria-label"] = t("voices.edit_title")
            self._title = ui.label().classes("dialog-title").props("role=heading aria-level=2")
            self._conflict = ConflictChoice(panel, self._save_mine, self._take_theirs, self._restore_mine)
            self._name = TextInput(t("voices.name")).props("outlined maxlength=100")
            self._name.props["hint"] = t("voices.name_hint")
            self._description = TextArea(t("voices.description")).props("outlined autogrow maxlength=2000")
            self._preset = ui.select({}, label=t("voices.preset")).props("outlined options-dense")
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=self._dialog.close).props("flat no-caps")
                ui.button(t("common.save"), on_click=self._save).props("unelevated no-caps")

    async def open(self, voice_id: str) -> None:
        self._voice_id = voice_id
        presets = await self._panel.services.office.presets.list()
        names = {preset.name: preset.display_name or preset.name for preset in presets}
        self._preset.set_options({"": self._panel.t("voices.default_preset")} | names)
        voices = {voice.id: voice.name for voice in self._panel.services.installed_voices()}
        self._title.text = voices.get(voice_id, voice_id)
        self._conflict.hide()
        self._take_theirs()
        self._dialog.open()

    def _draft(self) -> VoiceDraft:
        return VoiceDraft(
            name=(self._name.value or "").strip(),
            description=(self._description.value or "").strip(),
            enabled=self._read.enabled,
            preset=self._preset.value or "",
        )

    def _fill(self, settings: VoiceSettings | VoiceDraft) -> None:
        self._name.value, self._description.value = settings.name, settings.description
        self._preset.value = settings.preset

    def _take_theirs(self) -> None:
        """Shows what is stored now."""
        self._read = stored_voice_settings(self._voice_id, self._panel.services.publisher.current)
        self._fill(self._read)

    def _restore_mine(self) -> None:
        self._fill(self._mine)

    async def _save_mine(self) -> None:
        self._read = stored_voice_settings(self._voice_id, self._panel.services.publisher.current)
        await self._save()

    async def _save(self) -> None:
        panel, self._mine = self._panel, self._draft()
        try:
            by = panel.require_change(AdminResource.VOICES)
            await panel.services.office.voices.update_settings(self._voice_id, self._mine, self._read.version, by)
        except Conflict:
            self._explain_conflict()
        except SecretaryError as error:
            panel.toast_error(error)
        else:
            self._dialog.close()
            panel.toast(panel.t("common.saved"))
        await self._on_saved()

    def _explain_conflict(self) -> None:
        t, mine = self._panel.t, self._mine
        theirs = stored_voice_settings(self._voice_id, self._panel.services.publisher.current)
        self._conflict.show(
            (
                FieldVersions(t("voices.name"), mine.name, theirs.name),
                FieldVersions(t("voices.description"), mine.description, theirs.description),
                FieldVersions(t("voices.preset"), mine.preset, theirs.preset),
            )
        )
