"""The dialog that makes and changes a custom preset: sliders over the ranges of its fields, with a sample."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from nicegui import html, ui
from pydantic.fields import FieldInfo

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.speech.presets import PresetDraft
from deployments.contracts.errors import Conflict, SecretaryError
from deployments.contracts.speech import SpeechRequest
from deployments.contracts.voice_settings import Preset, PresetParams
from ui.components.conflict_choice import ConflictChoice, FieldVersions
from ui.components.speech_samples import SpeechSamples
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.formatting import format_exactly
from ui.tabs.voices.preset_words import PARAMETERS
from ui.tabs.voices.voice_kinds import sample_text


class SliderRange(NamedTuple):
    least: float
    most: float
    step: float


def slider_range(field: FieldInfo) -> SliderRange:
    """The range of a number from its bounds in the schema. An excluded bound is one step away."""
    bounds = {name: getattr(m, name) for m in field.metadata for name in ("ge", "gt", "le") if hasattr(m, name)}
    step = 1.0 if field.annotation is int else 0.05
    least = float(bounds["ge"]) if "ge" in bounds else float(bounds["gt"]) + step
    return SliderRange(least, float(bounds["le"]), step)


class PresetEditor:
    """One dialog for each page. ``on_saved`` is awaited after a change."""

    def __init__(self, panel: PanelContext, samples: SpeechSamples, on_saved: Callable[[], Awaitable[None]]) -> None:
        self._panel, self._on_saved = panel, on_saved
        self._stored: Preset | None = None
        self._read = PresetParams()
        self._mine = PresetParams()
        t = panel.t
        with ui.dialog().props("persistent") as self._dialog, ui.card().classes("dialog").props("role=dialog") as box:
            box.props["aria-label"] = t("voices.preset_edit")
            self._dialog.props["aria-label"] = t("voices.preset_edit")
            self._title = ui.label().classes("dialog-title").props("role=heading aria-level=2")
            self._conflict = ConflictChoice(panel, self._save_mine, self._take_theirs, lambda: self._fill(self._mine))
            self._name = TextInput(t("voices.preset_name")).props("outlined dense maxlength=100")
            self._sliders = {name: self._slider(name) for name in PARAMETERS}
            with html.div().classes("row-line"):
                samples.button(t("voices.preset_sample"), lambda: self.sample_of(self._params()), t("voices.try_title"))
                ui.button(t("voices.preset_reset"), on_click=lambda: self._fill(self._read)).props("flat dense no-caps")
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=self._dialog.close).props("flat no-caps")
                ui.button(t("common.save"), on_click=self._save).props("unelevated no-caps")

    def open_new(self) -> None:
        self._open(None, PresetParams())

    def open_copy(self, preset: Preset) -> None:
        """Opens the dialog for a new preset with the parameters of ``preset``."""
        self._open(None, preset.params)

    def open(self, preset: Preset) -> None:
        self._open(preset, preset.params)

    def sample_of(self, params: PresetParams) -> SpeechRequest:
        """The usual phrase with ``params``, in the voice of the default language."""
        language = self._panel.services.publisher.current.settings.default_language
        return SpeechRequest(sample_text(language, self._panel.t), language=language, parameters=params)

    def _open(self, stored: Preset | None, params: PresetParams) -> None:
        t = self._panel.t
        self._stored, self._read = stored, params
        self._title.text = t("voices.preset_edit") if stored else t("voices.preset_add")
        self._name.value, self._name.error = (stored.display_name or stored.name) if stored else "", None
        self._conflict.hide()
        self._fill(params)
        self._dialog.open()

    def _slider(self, name: str) -> ui.slider:
        t = self._panel.t
        title, hint = PARAMETERS[name]
        least, most, step = slider_range(PresetParams.model_fields[name])
        with html.div().classes("preset-slider"):
            with html.div().classes("preset-slider-name"):
                html.span(t(title))
                value = ui.label().classes("preset-slider-value")
            slider = ui.slider(min=least, max=most, step=step, value=least)
            slider.props["aria-label"] = t(title)
            value.bind_text_from(slider, "value", lambda number: format_exactly(number, t))
            html.span(t(hint)).classes("muted voice-facts")
        return slider

    def _fill(self, params: PresetParams) -> None:
        for name, slider in self._sliders.items():
            slider.value = getattr(params, name)

    def _params(self) -> PresetParams:
        values = {name: round(float(slider.value), 2) for name, slider in self._sliders.items()}
        return PresetParams.model_validate(values)

    def _newest(self) -> Preset | None:
        return self._panel.services.publisher.current.preset(self._stored.name) if self._stored else None

    def _take_theirs(self) -> None:
        self._stored = self._newest() or self._stored
        if self._stored is not None:
            self._read = self._stored.params
            self._fill(self._read)

    async def _save_mine(self) -> None:
        self._stored = self._newest()
        await self._save()

    async def _save(self) -> None:
        panel, t = self._panel, self._panel.t
        name = " ".join((self._name.value or "").split())
        self._name.error = None if name else t("voices.preset_needs_name")
        if not name:
            return
        self._mine = self._params()
        presets = panel.services.office.presets
        try:
            by = panel.require_change(AdminResource.VOICES)
            if self._stored is None:
                await presets.create(name, PresetDraft(params=self._mine), by)
            else:
                draft = PresetDraft(display_name=name, params=self._mine)
                await presets.update(self._stored.name, draft, self._stored.version, by)
        except Conflict:
            self._explain_conflict()
        except SecretaryError as error:
            panel.toast_error(error)
        else:
            self._dialog.close()
            panel.toast(t("common.saved"))
        await self._on_saved()

    def _explain_conflict(self) -> None:
        """Either the name is taken, or the preset was changed meanwhile."""
        t, theirs = self._panel.t, self._newest()
        if self._stored is None or theirs is None:
            self._name.error = t("voices.preset_taken")
            return
        mine = self._mine
        self._conflict.show(
            tuple(
                FieldVersions(
                    t(title), format_exactly(getattr(mine, name), t), format_exactly(getattr(theirs.params, name), t)
                )
                for name, (title, _) in PARAMETERS.items()
            )
        )
