"""Builds a small JSON value that is valid for a JSON schema."""

from collections.abc import Mapping

JsonSchemaObject = Mapping[str, object]

_EMPTY_VALUES: dict[object, object] = {"integer": 0, "number": 0.0, "boolean": False, "null": None, "array": []}


def example_value(schema: JsonSchemaObject, text: str) -> object:
    """A value that is valid for ``schema``, in which every unconstrained string is ``text``.

    An object has the required properties, or all of them when none is required. Without properties it is
    ``{"text": text}``. ``$ref`` and combinators are not supported.
    """
    if "const" in schema:
        return schema["const"]
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    kind = schema.get("type", "object")
    if kind == "object":
        return _object(schema, text)
    return text if kind == "string" else _EMPTY_VALUES.get(kind, text)


def example_arguments(schema: JsonSchemaObject, text: str) -> dict[str, object]:
    """Arguments for a tool with the parameters ``schema``; none for a tool without properties."""
    return _object(schema, text) if schema.get("properties") else {}


def _object(schema: JsonSchemaObject, text: str) -> dict[str, object]:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {"text": text}
    required = schema.get("required")
    names = required if isinstance(required, list) and required else list(properties)
    return {name: example_value(properties.get(name, {"type": "string"}), text) for name in names}
