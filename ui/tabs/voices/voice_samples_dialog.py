"""The dialog with the samples of a cloned voice: listen, add, delete, and choose another consent."""

from collections.abc import Awaitable, Callable
from functools import partial

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.speech.voice_files import SampleFile
from deployments.contracts.errors import SecretaryError
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.page_parts import attempt, icon_button
from ui.components.sound_source import SoundSource
from ui.components.speech_samples import SpeechSamples
from ui.context import PanelContext
from ui.formatting import format_number
from ui.tabs.voices.sample_checks import draw_checks
from ui.tabs.voices.wav_sound import Sound, read_wav

_RESOURCE = AdminResource.CLONED_VOICES


class VoiceSamplesDialog:
    """``on_changed`` is awaited after a change."""

    def __init__(self, panel: PanelContext, samples: SpeechSamples, on_changed: Callable[[], Awaitable[None]]) -> None:
        self._panel, self._samples, self._on_changed = panel, samples, on_changed
        self._voice_id = ""
        self._may_change = panel.can_change(_RESOURCE)
        t = panel.t
        with ui.dialog() as self._dialog, ui.card().classes("dialog").props("role=dialog") as box:
            box.props["aria-label"] = t("voices.samples_title")
            self._dialog.props["aria-label"] = t("voices.samples_title")
            self._title = ui.label().classes("dialog-title").props("role=heading aria-level=2")
            self._rows = html.div().classes("rows")
            if self._may_change:
                html.p(t("voices.sample_add")).classes("muted")
                SoundSource(panel, self._add)
            self._checks = html.div().props("role=status")
            if self._may_change:
                self._consent = ui.select({}, label=t("voices.cloned_consent")).props("outlined dense options-dense")
                ui.button(t("voices.consent_change"), on_click=self._set_consent).props("flat dense no-caps")
            with html.div().classes("dialog-actions"):
                ui.button(t("common.close"), on_click=self._dialog.close).props("flat no-caps")

    async def open(self, voice_id: str) -> None:
        self._voice_id = voice_id
        self._checks.clear()
        await self._refresh()
        self._dialog.open()

    async def _refresh(self) -> None:
        office = self._panel.services.office
        try:
            self._panel.require_read(_RESOURCE)
            voice = await office.cloned_voices.get(self._voice_id)
            samples = await office.cloned_voices.samples(self._voice_id)
            consents = await office.voice_consents.list()
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._title.text = self._panel.t("voices.samples_of", name=voice.name)
        if self._may_change:
            valid = {each.id: each.person for each in consents if each.revoked_at is None}
            self._consent.set_options(valid, value=voice.consent_id if voice.consent_id in valid else None)
        self._rows.clear()
        with self._rows:
            for sample in samples:
                self._draw(sample)

    def _draw(self, sample: SampleFile) -> None:
        t = self._panel.t
        with html.div().classes("row-line"):
            label = t("voices.sample_listen", name=sample.name)
            self._samples.sound_button(label, partial(self._sound, sample.name))
            seconds = t("voices.cloned_seconds", seconds=format_number(sample.seconds, 1, t))
            html.span(f"{sample.name} · {seconds}").classes("voice-text")
            if self._may_change:
                label = t("voices.sample_delete_of", name=sample.name)
                icon_button("delete_outline", label, partial(self._remove, sample.name)).props("aria-haspopup=dialog")

    async def _sound(self, name: str) -> Sound:
        self._panel.require_read(_RESOURCE)
        voices = self._panel.services.office.cloned_voices
        return await read_wav(await voices.sample(self._voice_id, name, self._panel.session.username))

    async def _add(self, name: str, content: bytes) -> None:
        panel, t, voices = self._panel, self._panel.t, self._panel.services.office.cloned_voices
        self._checks.clear()
        try:
            by = panel.require_change(_RESOURCE)
            findings = await voices.examine(content, voice_id=self._voice_id)
            with self._checks:
                draw_checks(findings, t)
            if any(each.problem for each in findings):
                return
            await voices.add_sample(self._voice_id, content, by)
        except SecretaryError as error:
            panel.toast_error(error)
            return
        panel.toast(t("voices.sample_added", name=name))
        await self._changed()

    async def _remove(self, name: str) -> None:
        panel, t = self._panel, self._panel.t
        title = t("voices.sample_delete")
        if not await ask_confirmation(panel.client, title, name, title, t("common.cancel")):
            return

        async def remove() -> None:
            by = panel.require_change(_RESOURCE)
            await panel.services.office.cloned_voices.remove_sample(self._voice_id, name, by)

        await attempt(panel, remove, t("voices.sample_deleted"))
        await self._changed()

    async def _set_consent(self) -> None:
        panel = self._panel

        async def store() -> None:
            by = panel.require_change(_RESOURCE)
            await panel.services.office.cloned_voices.set_consent(self._voice_id, str(self._consent.value), by)

        if self._consent.value:
            await attempt(panel, store, panel.t("common.saved"))
            await self._changed()

    async def _changed(self) -> None:
        await self._refresh()
        await self._on_changed()
