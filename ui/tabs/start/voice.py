"""The voice: heard here, chosen for the language of the company."""

from functools import partial

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import SecretaryError
from deployments.contracts.speech import Voice
from ui.components.answer_speaker import AnswerSpeaker
from ui.components.page_parts import icon_button, pill
from ui.components.section import draw_empty_state
from ui.components.text_fields import TextArea
from ui.tabs.start.step import StepContext
from ui.tabs.voices.voice_kinds import kind_name, sample_text

_SHOWN = 12


async def draw(step: StepContext) -> None:
    panel, t = step.panel, step.panel.t
    settings = panel.services.publisher.current.settings
    language = settings.default_language
    voices = [voice for voice in panel.services.assistant.voices() if language in voice.languages]
    voices = sorted(voices, key=lambda voice: (not voice.cloned, not voice.neural))[:_SHOWN]
    if not voices:
        draw_empty_state("voice_over_off", t("start.no_voice"), t("start.no_voice_hint"))
        html.a(t("nav.models"), href=f"{panel.root_path}/models").classes("text-link")
        return
    speaker = AnswerSpeaker(panel)
    sentence = TextArea(t("start.sentence"), value=sample_text(language, t)).props("outlined autogrow rows=1")
    sentence.props("maxlength=300").classes("full-width")
    if not any(voice.neural for voice in voices):
        html.p(t("start.only_robots")).classes("notice").props("role=note")
    rows = html.div().props("role=list")
    rows.props["aria-label"] = t("start.voices")
    html.a(t("start.all_voices"), href=f"{panel.root_path}/voices").classes("text-link")

    async def listen(voice: Voice) -> None:
        if text := (sentence.value or "").strip():
            speaker.speak(text, voice.id)
            await step.done()

    async def choose(voice: Voice) -> None:
        try:
            by = panel.require_change(AdminResource.SETTINGS)
            chosen = panel.services.publisher.current.settings.speech.default_voices | {language: voice.id}
            await panel.services.office.settings.update_fields(
                {"default_voices": chosen}, by, "speech", role=panel.session.role
            )
        except SecretaryError as error:
            panel.toast_error(error)
            return
        panel.toast(t("start.voice_chosen", voice=voice.name))
        draw_rows(voice.id)
        await listen(voice)

    def draw_rows(chosen: str) -> None:
        rows.clear()
        with rows:
            for voice in voices:
                with html.div().classes("start-line").props("role=listitem") as row:
                    row.props["data-voice"] = voice.id
                    with html.div():
                        html.div(voice.name).classes("start-strong")
                        html.div(kind_name(voice.engine, t)).classes("muted")
                    with html.div().classes("start-row"):
                        icon_button("volume_up", t("start.listen", voice=voice.name), partial(listen, voice))
                        if voice.id == chosen:
                            pill(t("start.chosen"), "good")
                        else:
                            use = ui.button(t("start.choose"), on_click=partial(choose, voice))
                            use.props("outline dense no-caps").props["aria-label"] = t(
                                "start.choose_of", voice=voice.name
                            )

    draw_rows(settings.speech.default_voices.get(language, ""))
