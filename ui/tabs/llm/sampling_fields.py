"""Fields for the parameters of a model. An empty field leaves the parameter to the settings."""

from collections.abc import Mapping

from nicegui import html, ui

from ui.context import PanelContext
from ui.tabs.llm.sampling_ranges import SAMPLING, Parameter


class SamplingFields:
    """Drawn in the current slot."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._fields: dict[str, ui.number] = {}
        with html.div().classes("llm-pair"):
            for parameter in SAMPLING:
                self._build(parameter)

    def read(self) -> dict[str, float]:
        found = {name: field.value for name, field in self._fields.items() if field.value is not None}
        return {name: int(value) if name == "max_tokens" else float(value) for name, value in found.items()}

    def write(self, values: Mapping[str, object]) -> None:
        for name, field in self._fields.items():
            value = values.get(name)
            field.value = value if isinstance(value, int | float) else None

    def disable(self) -> None:
        for field in self._fields.values():
            field.disable()

    def _build(self, parameter: Parameter) -> None:
        t = self._panel.t
        field = ui.number(t(parameter.title), min=parameter.least, max=parameter.most, step=parameter.step)
        field.props("outlined dense clearable").props["hint"] = t(
            "llm.range", least=parameter.least, most=parameter.most
        )
        self._fields[parameter.name] = field
