"""The texts of a persona in one language: prompt with its variables, fallback answer and voice."""

import json
from collections.abc import Mapping

from nicegui import html, ui

from deployments.contracts.persona import Persona
from deployments.contracts.prompt_variables import BUILT_IN_VARIABLES, unknown_variables
from ui.components.text_fields import TextArea
from ui.context import PanelContext
from ui.tabs.llm.edit_conflict import Values
from ui.tabs.llm.variable_rows import VariableRows

_BUILT_IN = {
    "name": "persona.variable_name",
    "date": "persona.variable_date",
    "time": "persona.variable_time",
    "weekday": "persona.variable_weekday",
}
_INSERT = """() => {
  const root = document.getElementById(%s);
  const area = root.matches('textarea') ? root : root.querySelector('textarea');
  area.focus();
  area.setRangeText(%s, area.selectionStart, area.selectionEnd, 'end');
  area.dispatchEvent(new Event('input', {bubbles: true}));
}"""


class PersonaTexts:
    """Draws the fields in the current slot."""

    def __init__(self, panel: PanelContext, language: str) -> None:
        self._panel = panel
        self._language = language
        t = panel.t
        voices = {
            "": t("persona.voice_default"),
            **{voice.id: voice.name for voice in panel.services.installed_voices() if language in voice.languages},
        }
        with html.div().classes("rows") as self._box:
            self._prompt = TextArea(t("persona.prompt")).props("outlined autogrow maxlength=20000")
            self._prompt.props["hint"] = t("persona.prompt_hint")
            self._prompt.classes("llm-prompt")
            self._chips = html.div().classes("llm-suggestions")
            self._rows = VariableRows(panel, self._draw_chips)
            self._fallback = TextArea(t("persona.fallback")).props("outlined dense autogrow maxlength=4000")
            self._fallback.props["hint"] = t("persona.fallback_hint")
            self._voice = ui.select(voices, value="", label=t("persona.voice")).props("outlined dense")
        self._draw_chips()

    @property
    def prompt(self) -> str:
        return str(self._prompt.value or "")

    @property
    def fallback(self) -> str:
        return str(self._fallback.value or "")

    @property
    def voice(self) -> str:
        return str(self._voice.value or "")

    @property
    def variables(self) -> dict[str, str]:
        return self._rows.values

    def set_visibility(self, visible: bool) -> None:
        self._box.set_visibility(visible)

    def unknown_variables(self) -> tuple[str, ...]:
        return unknown_variables(self.prompt, (*BUILT_IN_VARIABLES, *self.variables))

    def read(self) -> Values:
        code = self._language
        return {
            f"prompt:{code}": self.prompt,
            f"fallback:{code}": self.fallback,
            f"voice:{code}": self.voice,
            f"variables:{code}": self.variables,
        }

    def write(self, values: Values) -> None:
        code = self._language
        voice = str(values[f"voice:{code}"])
        if voice not in self._voice.options:
            self._voice.set_options({**dict(self._voice.options), voice: voice})
        self._prompt.value = str(values[f"prompt:{code}"])
        self._fallback.value = str(values[f"fallback:{code}"])
        self._voice.value = voice
        variables = values[f"variables:{code}"]
        self._rows.show({str(k): str(v) for k, v in variables.items()} if isinstance(variables, Mapping) else {})

    def values_of(self, persona: Persona) -> Values:
        code = self._language
        return {
            f"prompt:{code}": persona.prompts.get(code, ""),
            f"fallback:{code}": persona.fallback_answers.get(code, ""),
            f"voice:{code}": persona.voices.get(code, ""),
            f"variables:{code}": persona.variables.get(code, {}),
        }

    def disable(self) -> None:
        for field in (self._prompt, self._fallback, self._voice):
            field.disable()
        self._chips.set_visibility(False)
        self._rows.disable()

    def _draw_chips(self) -> None:
        """A button for each variable, which inserts it where the cursor is."""
        t = self._panel.t
        self._chips.clear()
        with self._chips:
            html.span(t("persona.insert")).classes("muted")
            for name in (*BUILT_IN_VARIABLES, *self.variables):
                text = t(_BUILT_IN[name]) if name in _BUILT_IN else name
                variable = f"{{{{{name}}}}}"
                button = ui.button(text).props("flat dense no-caps").classes("chip llm-suggestion")
                button.props["aria-label"] = t("persona.insert_of", name=variable)
                button.on("click", js_handler=_INSERT % (json.dumps(self._prompt.html_id), json.dumps(variable)))
