"""The fields of a persona. The texts of one language are shown at a time."""

from collections.abc import Mapping

from nicegui import html, ui

from deployments.contracts.persona import Persona
from deployments.contracts.sampling import Sampling
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.tabs.llm.edit_conflict import Values
from ui.tabs.llm.persona_texts import PersonaTexts
from ui.tabs.llm.sampling_fields import SamplingFields
from ui.translations import LANGUAGES


class PersonaFields:
    """Draws the fields in the current slot. ``routes`` maps the models to choose from to their words."""

    def __init__(self, panel: PanelContext, persona: Persona | None, routes: Mapping[str, str]) -> None:
        t = panel.t
        self.persona = persona or Persona(id="new", name="", prompts={})
        languages = list(dict.fromkeys((*LANGUAGES, *self.persona.prompts, *self.persona.voices)))
        if t.language in languages:
            languages.insert(0, languages.pop(languages.index(t.language)))
        self._name = TextInput(t("persona.name")).props("outlined dense maxlength=100").classes("dialog-field")
        self._toggle = ui.toggle({each: each.upper() for each in languages}, value=languages[0])
        self._toggle.props("unelevated dense").props["aria-label"] = t("persona.language")
        self._texts = {each: PersonaTexts(panel, each) for each in languages}
        self._toggle.on_value_change(self._show_language)
        self._route = ui.select(dict(routes), value="", label=t("persona.model"), with_input=True)
        self._route.props("outlined dense").classes("dialog-field").props["hint"] = t("persona.model_hint")
        with ui.expansion(t("llm.parameters")).classes("llm-more"):
            html.p(t("persona.parameters_hint")).classes("muted")
            self._sampling = SamplingFields(panel)
        self.labels: Mapping[str, str] = {
            "name": t("persona.name"),
            "route": t("persona.model"),
            **{
                f"{part}:{code}": f"{t(key)} ({code.upper()})"
                for code in languages
                for part, key in (
                    ("prompt", "persona.prompt"),
                    ("fallback", "persona.fallback"),
                    ("voice", "persona.voice"),
                )
            },
        }
        self.write(self.values_of(self.persona))
        self._show_language()

    @property
    def language(self) -> str:
        """The language whose texts are shown."""
        return str(self._toggle.value)

    @property
    def shown(self) -> PersonaTexts:
        return self._texts[self.language]

    @property
    def route(self) -> str:
        return str(self._route.value or "")

    @property
    def sampling(self) -> Sampling:
        return Sampling.model_validate(self._sampling.read())

    def read(self) -> Values:
        texts = {key: value for each in self._texts.values() for key, value in each.read().items()}
        return {
            "name": self._name.value or "",
            "route": self.route,
            "params": self._sampling.read(),
            **texts,
        }

    def write(self, values: Values) -> None:
        self._name.value = str(values["name"])
        self._route.value = values["route"]
        params = values["params"]
        self._sampling.write(params if isinstance(params, Mapping) else {})
        for texts in self._texts.values():
            texts.write(values)

    def values_of(self, persona: Persona) -> Values:
        texts = {key: value for each in self._texts.values() for key, value in each.values_of(persona).items()}
        params = persona.llm_params.model_dump(exclude_none=True)
        return {"name": persona.name, "route": persona.route, "params": params, **texts}

    def draft_fields(self) -> dict[str, object]:
        """The fields as a draft takes them; empty texts are left out."""
        texts = self._texts.items()
        return {
            "name": (self._name.value or "").strip(),
            "route": self.route,
            "llm_params": self._sampling.read(),
            "prompts": {code: each.prompt for code, each in texts if each.prompt.strip()},
            "fallback_answers": {code: each.fallback for code, each in texts if each.fallback.strip()},
            "voices": {code: each.voice for code, each in texts if each.voice},
            "variables": {code: each.variables for code, each in texts if each.variables},
        }

    def preview_persona(self) -> Persona:
        """What is entered, as a persona that is not stored."""
        update = {"name": self._name.value or "", "variables": {code: x.variables for code, x in self._texts.items()}}
        return self.persona.model_copy(update=update)

    def unknown_variables(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for each in self._texts.values() for name in each.unknown_variables()))

    def disable(self) -> None:
        for field in (self._name, self._route):
            field.disable()
        for texts in self._texts.values():
            texts.disable()
        self._sampling.disable()

    def _show_language(self) -> None:
        for code, texts in self._texts.items():
            texts.set_visibility(code == self.language)
