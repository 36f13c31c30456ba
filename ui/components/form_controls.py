"""The controls of a generated form: one for each kind of field, all with ``value`` and ``problem``."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, cast

from nicegui import html, ui

from ui.components.form_fields import FieldSpec
from ui.components.text_fields import TextArea, TextInput
from ui.context import PanelContext

Options = Mapping[str, str] | Sequence[str]
"""Choices that are known at run time: values, or values and their labels."""


class FormControl(Protocol):
    """A control of one field."""

    def read(self) -> object:
        """The entered value; None for an empty one."""

    def write(self, value: object) -> None: ...

    def show_problem(self, text: str) -> None:
        """Shows what is wrong with the value; "" when nothing is."""

    def disable(self) -> None: ...


class ValueControl:
    """A control that is one Quasar element. ``to_value`` and ``to_shown`` convert between field and element."""

    def __init__(
        self,
        element: TextInput | ui.number | ui.select | ui.switch,
        to_value: Callable[[object], object],
        to_shown: Callable[[object], object],
    ) -> None:
        self.element = element
        if not isinstance(element, ui.switch):
            element.without_auto_validation()  # it would clear the message of the form
        self._to_value = to_value
        self._to_shown = to_shown

    def read(self) -> object:
        return self._to_value(self.element.value)

    def write(self, value: object) -> None:
        self.element.value = self._to_shown(value)

    def show_problem(self, text: str) -> None:
        if not isinstance(self.element, ui.switch):
            self.element.error = text or None

    def disable(self) -> None:
        self.element.disable()


class MappingControl:
    """Rows of name and value. ``options`` are choices of the value."""

    def __init__(self, panel: PanelContext, label: str, options: Options | None, on_change: Callable[[], None]) -> None:
        self._panel = panel
        self._label = label
        self._options = options
        self._on_change = on_change
        self._enabled = True
        self._rows: list[tuple[TextInput, TextInput | ui.select]] = []
        with html.div().classes("form-mapping").props("role=group") as group:
            self._list = html.div().classes("form-mapping")
            self._empty = ui.label(panel.t("form.nothing")).classes("muted")
            self._add = ui.button(panel.t("common.add"), icon="add", on_click=lambda: self._add_row("", ""))
            self._add.props("flat dense no-caps").classes("form-add")
            self._problem = ui.label().classes("form-problem").props("role=alert")
        group.props["aria-label"] = label
        self._problem.set_visibility(False)

    def read(self) -> object:
        pairs = ((str(name.value or "").strip(), str(value.value or "").strip()) for name, value in self._rows)
        return {name: value for name, value in pairs if name or value}

    def write(self, value: object) -> None:
        self._list.clear()
        self._rows = []
        for name, each in cast(Mapping[str, str], value or {}).items():
            self._draw_row(name, each)
        self._show_empty()

    def show_problem(self, text: str) -> None:
        self._problem.text = text
        self._problem.set_visibility(bool(text))

    def disable(self) -> None:
        self._enabled = False
        self._add.set_visibility(False)

    def _add_row(self, name: str, value: str) -> None:
        self._draw_row(name, value)
        self._show_empty()
        self._on_change()

    def _draw_row(self, name: str, value: str) -> None:
        t = self._panel.t
        with self._list, html.div().classes("form-pair") as line:
            key = TextInput(value=name, on_change=self._on_change).props("outlined dense").classes("form-pair-name")
            key.props["aria-label"] = f"{self._label}: {t('form.name')}"
            field = self._value_field(value)
            field.props["aria-label"] = f"{self._label}: {t('form.value')}"
            if self._enabled:
                remove = ui.button(icon="close", on_click=lambda: self._remove(line, key)).props("flat dense round")
                remove.props["aria-label"] = f"{t('common.delete')}: {name or self._label}"
            else:
                key.disable()
                field.disable()
        self._rows.append((key, field))

    def _value_field(self, value: str) -> TextInput | ui.select:
        if self._options is None:
            field: TextInput | ui.select = TextInput(value=value, on_change=self._on_change).props("outlined dense")
        else:
            field = ui.select(with_choice(self._options, value), value=value, on_change=self._on_change)
            field.props("outlined dense options-dense")
        return field.classes("form-pair-value")

    def _remove(self, line: ui.element, key: TextInput) -> None:
        self._rows = [row for row in self._rows if row[0] is not key]
        line.delete()
        self._show_empty()
        self._on_change()

    def _show_empty(self) -> None:
        self._empty.set_visibility(not self._rows)


def with_choice(options: Options, value: object) -> dict[str, str]:
    """The options with ``value``, which a select needs even when it is no longer offered."""
    labels = dict(options) if isinstance(options, Mapping) else {each: each for each in options}
    text = str(value) if value is not None else ""
    return labels if text in labels else {text: text or "—", **labels}


def build_control(
    panel: PanelContext, spec: FieldSpec, label: str, options: Options | None, on_change: Callable[[], None]
) -> FormControl:
    """The control of a field, empty. ``options`` turn a text into a choice."""
    if spec.kind == "mapping":
        return MappingControl(panel, label, options, on_change)
    if spec.kind == "switch":
        switch = ui.switch(on_change=on_change)
        return ValueControl(_named(switch, label), bool, bool)
    if options is not None or spec.kind == "choice":
        return _select(spec, label, options if options is not None else spec.choices, on_change)
    if spec.kind in ("integer", "number"):
        return _number(panel, spec, label, on_change)
    if spec.kind == "lines":
        area = TextArea(on_change=on_change).props("outlined dense autogrow rows=2")
        return ValueControl(_named(area, label), _lines, lambda value: "\n".join(cast(Sequence[str], value or ())))
    text = TextArea(on_change=on_change) if spec.kind == "long_text" else TextInput(on_change=on_change)
    text.props("outlined dense autogrow" if spec.kind == "long_text" else "outlined dense")
    if spec.max_length:
        text.props(f"maxlength={spec.max_length}")
    empty = None if spec.optional else ""
    return ValueControl(_named(text, label), lambda value: value or empty, lambda value: value or "")


def _select(spec: FieldSpec, label: str, options: Options, on_change: Callable[[], None]) -> ValueControl:
    select = ui.select(with_choice(options, ""), value="", on_change=on_change, with_input=len(options) > 12)
    select.props("outlined dense options-dense")
    empty = None if spec.optional else ""

    def show(value: object) -> object:
        select.set_options(with_choice(options, value))
        return value or ""

    return ValueControl(_named(select, label), lambda value: value or empty, show)


def _number(panel: PanelContext, spec: FieldSpec, label: str, on_change: Callable[[], None]) -> ValueControl:
    step = 1 if spec.kind == "integer" or (spec.maximum or 0) > 10 else 0.1 if (spec.maximum or 0) > 2 else 0.05
    number = ui.number(step=step, on_change=on_change)
    number.props("outlined dense debounce=200")
    if spec.unit:
        number.props["suffix"] = panel.t(f"form.unit.{spec.unit}")

    def read(value: object) -> object:
        whole = spec.kind == "integer" and isinstance(value, float) and value.is_integer()
        return int(cast(float, value)) if whole else value

    return ValueControl(_named(number, label), read, lambda value: value)


ElementT = TextInput | ui.number | ui.select | ui.switch


def _named(element: ElementT, label: str) -> ElementT:
    element.props["aria-label"] = label
    return element


def _lines(value: object) -> object:
    return tuple(line.strip() for line in str(value or "").splitlines() if line.strip())
