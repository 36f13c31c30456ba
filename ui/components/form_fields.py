"""The fields of a Pydantic model as a form needs them: kind of control, bounds, choices and default."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from ui.translations import Translator

FieldKind = Literal["switch", "choice", "integer", "number", "text", "long_text", "lines", "mapping"]
LONG_TEXT = 300
"""A text that may be longer gets a text area."""
_UNITS = ("s", "ms", "mb", "days", "minutes", "tokens", "chars")


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """``optional`` fields may be empty (None). A bound of None does not exist; ``above_minimum`` excludes it."""

    name: str
    kind: FieldKind
    default: object
    optional: bool = False
    minimum: float | None = None
    maximum: float | None = None
    above_minimum: bool = False
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    description: str = ""

    @property
    def unit(self) -> str:
        """The unit that the name ends with, "" for none."""
        return next((unit for unit in _UNITS if self.name.endswith(f"_{unit}")), "")


def field_specs(model: type[BaseModel]) -> tuple[FieldSpec, ...]:
    """The fields that a form can show. Nested models, lists of models and secrets are left out."""
    schema = model.model_json_schema(by_alias=False)
    found = (_spec(model, name, schema) for name in schema.get("properties", {}))
    return tuple(spec for spec in found if spec is not None)


def _spec(model: type[BaseModel], name: str, schema: Mapping[str, Any]) -> FieldSpec | None:
    given = _resolve(schema["properties"][name], schema)
    choices = [_resolve(each, schema) for each in given.get("anyOf", ())]
    optional = any(each.get("type") == "null" for each in choices)
    shape = next((each for each in choices if each.get("type") != "null"), given)
    kind = _kind(shape, schema)
    if kind is None:
        return None
    field = model.model_fields[name]
    default = field.get_default(call_default_factory=True)
    exclusive = shape.get("exclusiveMinimum")
    return FieldSpec(
        name=name,
        kind=kind,
        default=None if default is PydanticUndefined else default,
        optional=optional,
        minimum=shape.get("minimum", exclusive),
        maximum=shape.get("maximum", shape.get("exclusiveMaximum")),
        above_minimum=exclusive is not None,
        max_length=shape.get("maxLength"),
        choices=tuple(str(each) for each in shape.get("enum", ())),
        description=field.description or "",
    )


def _resolve(shape: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """``shape``, or the definition that it refers to."""
    reference = shape.get("$ref")
    return shape if reference is None else schema["$defs"][str(reference).rpartition("/")[2]]


def _kind(shape: Mapping[str, Any], schema: Mapping[str, Any]) -> FieldKind | None:
    if shape.get("writeOnly") or "properties" in shape:
        return None
    if "enum" in shape:
        return "choice"
    match shape.get("type"):
        case "boolean":
            return "switch"
        case "integer":
            return "integer"
        case "number":
            return "number"
        case "string":
            return "long_text" if shape.get("maxLength", 0) > LONG_TEXT else "text"
        case "array":
            items = _resolve(shape.get("items", {}), schema)
            return "lines" if items.get("type") == "string" else None
        case "object":
            patterns = shape.get("patternProperties") or {}
            values = next(iter(patterns.values()), shape.get("additionalProperties"))
            return "mapping" if isinstance(values, dict) and values.get("type") == "string" else None
    return None


def range_text(spec: FieldSpec, t: Translator) -> str:
    """The allowed range in words, "" for any value."""
    least, most = format_value(spec.minimum, t), format_value(spec.maximum, t)
    if spec.minimum is not None and spec.maximum is not None:
        return t("form.range_above" if spec.above_minimum else "form.range", least=least, most=most)
    if spec.minimum is not None:
        return t("form.least", least=least)
    return t("form.most", most=most) if spec.maximum is not None else ""


def format_value(value: object, t: Translator) -> str:
    """A value of a field in words."""
    if value is None or value == "" or value == () or value == {} or value == []:
        return t("form.nothing")
    if isinstance(value, bool):
        return t("common.yes" if value else "common.no")
    if isinstance(value, float | int):
        return _format_number(value, t)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {each}" for name, each in value.items())
    return ", ".join(str(each) for each in value) if isinstance(value, list | tuple) else str(value)


def _format_number(value: float, t: Translator) -> str:
    text = f"{value:,.10g}".replace(",", "\u202f")
    return text.replace(".", ",") if t.language == "ru" else text
