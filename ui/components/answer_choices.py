"""The fields that choose who answers in a channel: model, persona, voice and the way it speaks."""

from dataclasses import dataclass

from nicegui import ui
from nicegui.elements.mixins.value_element import ValueElement

from deployments.administration.auth.permissions import AdminResource
from ui.context import PanelContext


@dataclass(frozen=True, slots=True)
class AnswerChoices:
    """Choices by the value that is stored; "" leaves the choice to the settings."""

    routes: dict[str, str]
    personas: dict[str, str]
    voices: dict[str, str]
    presets: dict[str, str]


async def read_answer_choices(panel: PanelContext) -> AnswerChoices:
    t, office = panel.t, panel.services.office
    providers: dict[str, str] = {}
    if panel.can_read(AdminResource.PROVIDERS):
        providers = {f"cloud:{each.id}": each.name for each in await office.providers.list()}
    routes = {"": t("answers.as_settings")}
    for route in await office.chains.known_routes():
        kind, _, name = route.partition(":")
        if kind == "local":
            routes[route] = t("answers.local_named", name=name) if name else t("answers.local")
        elif kind == "chain":
            routes[route] = t("answers.chain", name=name)
        else:
            routes[route] = t("answers.cloud", name=providers.get(route, name))
    personas = {"": t("answers.as_settings")} | {each.id: each.name for each in await office.personas.list()}
    voices = {"": t("answers.as_persona")}
    voices |= {
        each.id: f"{each.name} ({', '.join(each.languages).upper()})" for each in panel.services.installed_voices()
    }
    presets = {"": t("answers.as_settings")} | {each.name: each.name for each in await office.presets.list()}
    return AnswerChoices(routes, personas, voices, presets)


def choice_field(label: str, choices: dict[str, str], stored: str = "") -> ui.select:
    """``stored`` stays a choice when it is gone meanwhile."""
    options = choices if stored in choices else {**choices, stored: stored}
    return ui.select(options, value=stored, label=label).props("outlined dense options-dense").classes("full-width")


def answer_fields(
    panel: PanelContext, choices: AnswerChoices, route: str, persona_id: str, voice_id: str, tts_preset: str
) -> dict[str, ValueElement]:  # type: ignore[type-arg]
    """Draws the four fields; the arguments are the stored values."""
    t = panel.t
    return {
        "route": choice_field(t("answers.model"), choices.routes, route),
        "persona_id": choice_field(t("answers.persona"), choices.personas, persona_id),
        "voice_id": choice_field(t("answers.voice"), choices.voices, voice_id),
        "tts_preset": choice_field(t("answers.preset"), choices.presets, tts_preset),
    }
