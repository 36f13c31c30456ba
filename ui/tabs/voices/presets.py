"""Manners of speech: the general speed, the default preset, and custom presets with sliders and an instant sample."""

from dataclasses import dataclass
from functools import partial

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.voice_settings import Preset, PresetParams
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.page_parts import attempt, card, icon_button, pill
from ui.components.section import RedrawnSection
from ui.components.speech_samples import SpeechSamples
from ui.context import PanelContext
from ui.formatting import format_number
from ui.revisions import follow_changes
from ui.tabs.voices.preset_editor import PresetEditor
from ui.tabs.voices.preset_words import preset_name, preset_text


async def draw_presets(panel: PanelContext) -> None:
    section = PresetsSection(panel)
    await section.refresh()
    follow_changes(panel, section.refresh)


@dataclass(frozen=True, slots=True)
class _View:
    presets: tuple[Preset, ...]
    default: str


class PresetsSection:
    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._may_change = panel.can_change(AdminResource.VOICES)
        t = panel.t
        self._samples = SpeechSamples(panel) if self._may_change else None
        self._editor = PresetEditor(panel, self._samples, self.refresh) if self._samples else None
        with card(t("voices.speed_title"), t("voices.speed_note")), html.div().classes("voices-slider"):
            self._speed = ui.slider(min=0.5, max=2, step=0.05, value=1).props("label label-always")
            self._speed.props["aria-label"] = t("voices.speed_title")
            self._speed.set_enabled(self._may_change)
            self._speed.on("change", self._store_speed)
            html.p(t("voices.speed_hint")).classes("muted")
        with html.div().classes("row-line voices-filter"):
            html.h2(t("voices.presets_title"))
            if self._editor is not None:
                ui.button(t("voices.preset_add"), icon="add", on_click=self._editor.open_new).props(
                    "unelevated no-caps aria-haspopup=dialog"
                )
        self._list: RedrawnSection[_View] = RedrawnSection(html.div().classes("cards"), self._draw)

    async def refresh(self) -> None:
        services = self._panel.services
        speech = services.publisher.current.settings.speech
        self._speed.value = min(2.0, max(0.5, speech.speed))
        self._list.show(_View(await services.office.presets.list(), speech.default_preset))

    async def _store_speed(self) -> None:
        await self._set("speed", round(float(self._speed.value), 2))

    async def _set(self, name: str, value: object) -> None:
        async def store() -> None:
            by = self._panel.require_change(AdminResource.VOICES)
            await self._panel.services.office.settings.update_fields({name: value}, by, "speech")

        await attempt(self._panel, store, self._panel.t("common.saved"))
        await self.refresh()

    def _draw(self, view: _View) -> None:
        for preset in view.presets:
            self._draw_preset(preset, preset.name == view.default)

    def _draw_preset(self, preset: Preset, is_default: bool) -> None:
        t = self._panel.t
        name = preset_name(preset, t)
        with html.div().classes("card preset").props("role=group") as box:
            box.props["data-preset"] = preset.name
            box.props["aria-label"] = name
            with html.div().classes("row-line"):
                html.h3(name)
                if is_default:
                    pill(t("voices.preset_is_default"), "good")
                if not preset.builtin:
                    pill(t("voices.preset_own"))
                if self._editor is not None:
                    with html.div().classes("preset-corner"):
                        self._draw_icons(preset, name, self._editor)
            html.p(preset_text(preset, t)).classes("muted")
            html.p(_numbers(preset.params, self._panel)).classes("muted voice-facts")
            if self._samples is None or self._editor is None:
                return
            editor = self._editor
            with html.div().classes("row-line"):
                label = t("voices.preset_listen", name=name)
                self._samples.button(label, partial(editor.sample_of, preset.params), t("voices.preset_sample"))
                if not is_default:
                    choose = partial(self._set, "default_preset", preset.name)
                    ui.button(t("voices.preset_choose"), on_click=choose).props("flat dense no-caps")

    def _draw_icons(self, preset: Preset, name: str, editor: PresetEditor) -> None:
        t = self._panel.t
        if preset.builtin:
            icon_button("content_copy", t("voices.preset_copy_of", name=name), partial(editor.open_copy, preset)).props(
                "aria-haspopup=dialog"
            )
        else:
            icon_button("edit", t("voices.preset_edit_of", name=name), partial(editor.open, preset)).props(
                "aria-haspopup=dialog"
            )
            icon_button("delete_outline", t("voices.preset_delete_of", name=name), lambda: self._delete(preset)).props(
                "aria-haspopup=dialog"
            )

    async def _delete(self, preset: Preset) -> None:
        panel, t = self._panel, self._panel.t
        title = t("voices.preset_delete")
        if not await ask_confirmation(panel.client, title, preset_name(preset, t), title, t("common.cancel")):
            return

        async def remove() -> None:
            by = panel.require_change(AdminResource.VOICES)
            await panel.services.office.presets.delete(preset.name, by, preset.version)

        await attempt(panel, remove, t("voices.preset_deleted"))
        await self.refresh()


def _numbers(params: PresetParams, panel: PanelContext) -> str:
    t = panel.t
    return t(
        "voices.preset_numbers",
        speed=format_number(params.speed, 2, t),
        temperature=format_number(params.temperature, 2, t),
        top_p=format_number(params.top_p, 2, t),
    )
