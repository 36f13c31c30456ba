"""The variables of a persona in one language: a field for each, and one for a new name."""

import re
from collections.abc import Callable

from nicegui import html, ui

from deployments.contracts.prompt_variables import BUILT_IN_VARIABLES
from ui.components.page_parts import icon_button
from ui.components.text_fields import TextArea, TextInput
from ui.context import PanelContext

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


class VariableRows:
    """``on_names`` is called after a variable was added or removed."""

    def __init__(self, panel: PanelContext, on_names: Callable[[], None]) -> None:
        self._panel = panel
        self._on_names = on_names
        self._fields: dict[str, TextArea] = {}
        self._may_change = True
        t = panel.t
        self._box = html.div().classes("rows")
        with html.div().classes("row-line") as self._adder:
            self._name = TextInput(t("persona.new_variable")).props("outlined dense maxlength=41")
            self._name.props["hint"] = t("persona.new_variable_hint")
            ui.button(t("common.add"), on_click=self._add).props("flat no-caps")

    @property
    def values(self) -> dict[str, str]:
        return {name: str(field.value or "") for name, field in self._fields.items()}

    def show(self, values: dict[str, str]) -> None:
        self._box.clear()
        self._fields = {}
        with self._box:
            for name, value in values.items():
                self._draw(name, value)
        self._on_names()

    def disable(self) -> None:
        self._may_change = False
        self._adder.set_visibility(False)
        self.show(self.values)

    def _draw(self, name: str, value: str) -> None:
        t = self._panel.t
        with html.div().classes("llm-variable"):
            label = f"{{{{{name}}}}}"
            field = TextArea(label, value=value).props("outlined dense autogrow maxlength=1000")
            field.classes("llm-option-text")
            self._fields[name] = field
            if self._may_change:
                icon_button("close", t("proxy.remove_of", name=label), lambda: self._remove(name))
            else:
                field.disable()

    def _add(self) -> None:
        name = (self._name.value or "").strip().lower()
        if not _NAME.fullmatch(name) or name in BUILT_IN_VARIABLES or name in self._fields:
            self._name.error = self._panel.t("persona.bad_variable")
            return
        self._name.error = None
        self._name.value = ""
        self.show({**self.values, name: ""})

    def _remove(self, name: str) -> None:
        self.show({each: value for each, value in self.values.items() if each != name})
