"""The parameters of every answer: sliders with what they do, and a way back."""

from collections.abc import Mapping

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import Conflict, SecretaryError
from ui.components.page_parts import card, curl_line, read_only_note
from ui.context import PanelContext
from ui.formatting import format_number
from ui.tabs.llm.edit_conflict import EditConflict, Values
from ui.tabs.llm.sampling_ranges import SAMPLING, Parameter


class ParameterSection:
    """What is being changed is kept while others change the settings; saving then asks."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._controls: dict[str, ui.slider | ui.number] = {}
        self._stored: Values = {}
        self._revision = 0
        t = panel.t
        self.labels: Mapping[str, str] = {each.name: t(each.title) for each in SAMPLING}
        read_only_note(panel, AdminResource.PROMPTS)
        with card(t("llm.parameters"), t("param.note")):
            for parameter in SAMPLING:
                self._build(parameter)
            self._any_language = ui.switch(t("param.any_language")).props("dense")
            html.p(t("param.any_language_meaning")).classes("muted")
            if panel.can_change(AdminResource.PROMPTS):
                self._conflict = EditConflict(panel, self)
                with html.div().classes("llm-actions"):
                    ui.button(t("common.save"), on_click=self.save).props("unelevated no-caps")
                    ui.button(t("param.reset"), on_click=self._reset).props("flat no-caps")
            else:
                self._any_language.disable()
        curl_line(panel, "POST", "/llm/params", {each.name: each.default for each in SAMPLING})

    async def refresh(self) -> None:
        stored, revision = self._read_stored()
        if stored == self._stored:
            self._revision = revision
            return
        if not self._stored or self.read() == self._stored:
            self.write(stored)
            self._stored, self._revision = stored, revision

    def read(self) -> Values:
        values: dict[str, object] = {name: _number(name, control.value) for name, control in self._controls.items()}
        return {**values, "answer_in_any_language": bool(self._any_language.value)}

    def write(self, values: Values) -> None:
        for name, control in self._controls.items():
            control.value = values[name]
        self._any_language.value = bool(values["answer_in_any_language"])

    async def adopt_newest(self) -> Values:
        self._stored, self._revision = self._read_stored()
        return self._stored

    async def save(self) -> None:
        panel = self._panel
        try:
            username = panel.require_change(AdminResource.PROMPTS)
            stored = await panel.services.office.settings.update_fields(self.read(), username, "llm", self._revision)
        except Conflict:
            await self._conflict.explain()
            return
        except SecretaryError as error:
            panel.toast_error(error)
            return
        self._conflict.hide()
        self._stored, self._revision = self._read_stored()
        self._revision = max(self._revision, stored.revision)
        panel.toast(panel.t("common.saved"))

    def _read_stored(self) -> tuple[Values, int]:
        snapshot = self._panel.services.publisher.current
        names = {*self._controls, "answer_in_any_language"}
        return snapshot.settings.llm.model_dump(include=names), snapshot.revision

    def _reset(self) -> None:
        """Puts the values of a new installation into the form; saving applies them."""
        defaults: dict[str, object] = {each.name: _number(each.name, each.default) for each in SAMPLING}
        self.write({**defaults, "answer_in_any_language": False})
        self._panel.toast(self._panel.t("param.reset_done"), "info")

    def _build(self, parameter: Parameter) -> None:
        t = self._panel.t
        with html.div().classes("llm-slider"):
            with html.div().classes("llm-slider-head"):
                html.h3(t(parameter.title)).classes("llm-subtitle")
                value = ui.label().classes("llm-slider-value")
            html.p(t(parameter.meaning)).classes("muted")
            control: ui.slider | ui.number
            if parameter.step >= 1:
                control = self._number_field(parameter)
            else:
                control = self._slider(parameter, value)
        if not self._panel.can_change(AdminResource.PROMPTS):
            control.disable()
        self._controls[parameter.name] = control

    def _number_field(self, parameter: Parameter) -> ui.number:
        field = ui.number(min=parameter.least, max=parameter.most, value=parameter.default, precision=0)
        field.props("outlined dense").props["aria-label"] = self._panel.t(parameter.title)
        field.props["hint"] = self._panel.t("llm.range", least=parameter.least, most=parameter.most)
        return field

    def _slider(self, parameter: Parameter, value: ui.label) -> ui.slider:
        t = self._panel.t
        slider = ui.slider(min=parameter.least, max=parameter.most, step=parameter.step, value=parameter.default)
        slider.props["aria-label"] = t(parameter.title)
        value.bind_text_from(slider, "value", lambda number: format_number(float(number), 2, t))
        with html.div().classes("llm-slider-ends").props("aria-hidden=true"):
            html.span(t(parameter.low))
            html.span(t(parameter.high))
        return slider


def _number(name: str, value: float | None) -> float | int | None:
    if value is None:
        return None
    return int(value) if name == "max_tokens" else round(float(value), 3)
