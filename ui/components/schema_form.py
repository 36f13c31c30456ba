"""A form generated from a Pydantic model: a labelled control for each field, with hint, range, message and reset."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from nicegui import html, ui
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ui.components.form_controls import FormControl, Options, build_control
from ui.components.form_fields import FieldSpec, field_specs, format_value, range_text
from ui.context import PanelContext
from ui.translations import Translator

ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class FieldText:
    """Name and explanation of a field in the language of the user."""

    label: str
    about: str = ""


def _text_of_model(spec: FieldSpec) -> FieldText:
    return FieldText(spec.name.replace("_", " ").capitalize(), spec.description)


@dataclass(frozen=True)
class FormOptions:
    """What a page adds to the model. ``text`` names a field; by default it is the description of the model.
    ``choices`` are the values of fields that are known at run time only, ``can_change`` says which fields may be
    changed, ``draw_below`` adds something below the explanation of a field. ``fields`` selects and orders them,
    ``show_default`` names the default and offers it."""

    text: Callable[[FieldSpec], FieldText] = _text_of_model
    choices: Mapping[str, Options] | None = None
    can_change: Callable[[str], bool] = lambda _: True
    draw_below: Callable[[FieldSpec], None] | None = None
    fields: Collection[str] | None = None
    show_default: bool = True
    on_change: Callable[[], None] = lambda: None


class _FormField:
    """One field: explanation at the left, control at the right."""

    def __init__(self, panel: PanelContext, spec: FieldSpec, options: FormOptions, on_change: Callable[[], None]):
        t = panel.t
        self.spec = spec
        self.text = options.text(spec)
        changeable = options.can_change(spec.name)
        self._offers_default = changeable and options.show_default
        self._marks_change = options.show_default
        with html.div().classes("form-field").props(f"data-field={spec.name}") as self.row:
            with html.div().classes("form-text"):
                with html.div().classes("form-label"):
                    html.span(self.text.label)
                    self._changed = html.span(t("form.changed")).classes("pill pill-warn")
                    self._changed.set_visibility(False)
                if self.text.about:
                    html.p(self.text.about).classes("form-about")
                if options.draw_below is not None:
                    options.draw_below(spec)
            with html.div().classes("form-control"):
                choices = (options.choices or {}).get(spec.name)
                self.control: FormControl = build_control(panel, spec, self.text.label, choices, on_change)
                with html.div().classes("form-hint"):
                    if bounds := range_text(spec, t):
                        html.span(bounds)
                    if options.show_default:
                        html.span(t("form.default", value=_shown_default(spec, choices, t)))
                    self._reset = ui.button(t("form.reset"), on_click=self._set_default).props("flat dense no-caps")
                    self._reset.props["aria-label"] = t("form.reset_of", name=self.text.label)
        if not changeable:
            self.control.disable()
        self._on_change = on_change

    def _set_default(self) -> None:
        self.control.write(self.spec.default)
        self._on_change()

    def show_state(self, value: object, loaded: object) -> None:
        """Marks a changed value, and offers the default where it is another one."""
        self._changed.set_visibility(self._marks_change and value != loaded)
        self._reset.set_visibility(self._offers_default and value != self.spec.default)


class SchemaForm(Generic[ModelT]):
    """The fields of ``model`` with the values of ``value``. Nothing is stored: read ``changes`` or ``validated``, store
    them, and ``load`` the result. Fields without a control keep the loaded values."""

    def __init__(self, panel: PanelContext, value: ModelT, options: FormOptions | None = None) -> None:
        self._panel = panel
        self._options = options or FormOptions()
        self._loaded = value
        self._quiet = False
        known = {spec.name: spec for spec in field_specs(type(value))}
        names = self._options.fields if self._options.fields is not None else known
        with html.div().classes("form"):
            self._fields = {
                name: _FormField(panel, known[name], self._options, self._handle_change)
                for name in names
                if name in known
            }
        self.load(value)

    @property
    def loaded(self) -> ModelT:
        return self._loaded

    @property
    def dirty(self) -> bool:
        return bool(self.changes())

    def text(self, name: str) -> FieldText:
        return self._fields[name].text

    def names(self) -> tuple[str, ...]:
        return tuple(self._fields)

    def changes(self) -> dict[str, object]:
        """The entered values that differ from the loaded ones. They may be invalid."""
        values = {name: field.control.read() for name, field in self._fields.items()}
        return {name: value for name, value in values.items() if value != getattr(self._loaded, name)}

    def validated(self) -> ModelT | None:
        """The model with the entered values; None when a value is invalid, which its field then says."""
        problems: dict[str, str] = {}
        result = None
        try:
            result = type(self._loaded).model_validate({**dict(self._loaded), **self.changes()})
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                name = str(detail["loc"][0]) if detail["loc"] else ""
                problems.setdefault(
                    name if name in self._fields else next(iter(self.changes()), ""), _say(detail, self._panel.t)
                )
        for name, field in self._fields.items():
            field.control.show_problem(problems.get(name, ""))
        return result

    def show_problem(self, name: str, text: str) -> bool:
        """Shows a message at a field. Returns whether there is such a field."""
        field = self._fields.get(name)
        if field is not None:
            field.control.show_problem(text)
        return field is not None

    def load(self, value: ModelT) -> None:
        """Shows ``value`` and forgets what was entered."""
        self._loaded = value
        self._write({name: getattr(value, name) for name in self._fields})

    def discard(self) -> None:
        self.load(self._loaded)

    def merge(self, value: ModelT) -> tuple[str, ...]:
        """Takes what somebody else stored, and keeps what was entered here. Returns the fields that both changed."""
        mine = self.changes()
        before, self._loaded = self._loaded, value
        both = tuple(name for name in mine if getattr(value, name) not in (getattr(before, name), mine[name]))
        self._write({name: getattr(value, name) for name in self._fields if name not in mine})
        return both

    def show_only(self, names: Collection[str]) -> None:
        """Hides all other fields."""
        for name, field in self._fields.items():
            field.row.set_visibility(name in names)

    def _write(self, values: Mapping[str, object]) -> None:
        self._quiet = True
        for name, value in values.items():
            self._fields[name].control.write(value)
        self._quiet = False
        self._handle_change()

    def _handle_change(self) -> None:
        if self._quiet:
            return
        self.validated()
        for name, field in self._fields.items():
            field.show_state(field.control.read(), getattr(self._loaded, name))
        self._options.on_change()


def _shown_default(spec: FieldSpec, choices: Options | None, t: Translator) -> str:
    labels = choices if isinstance(choices, Mapping) else {}
    return labels.get(str(spec.default)) or format_value(spec.default, t)


_MESSAGES = {
    "greater_than": "form.bad_greater",
    "greater_than_equal": "form.bad_least",
    "less_than": "form.bad_less",
    "less_than_equal": "form.bad_most",
    "string_too_short": "form.bad_short",
    "string_too_long": "form.bad_long",
    "too_long": "form.bad_many",
    "string_pattern_mismatch": "form.bad_pattern",
}
_NUMBERS = ("int_type", "int_parsing", "int_from_float", "float_type", "float_parsing")


def _say(detail: ErrorDetails, t: Translator) -> str:
    """What is wrong with a value, in words."""
    kind = detail["type"]
    if kind in _NUMBERS:
        return t("form.bad_integer" if kind.startswith("int") else "form.bad_number")
    if kind in _MESSAGES:
        bounds = [
            value for name, value in detail.get("ctx", {}).items() if name != "field_type" and name != "actual_length"
        ]
        return t(_MESSAGES[kind], bound=format_value(bounds[0] if bounds else "", t))
    return t("form.bad_value", reason=detail["msg"].removeprefix("Value error, "))
