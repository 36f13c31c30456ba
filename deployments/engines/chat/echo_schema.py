"""The smallest JSON value that fits a schema: how the scripted engine honours ``response_format``."""

from collections.abc import Mapping

JsonSchemaObject = Mapping[str, object]

_PLAIN: dict[object, object] = {"integer": 0, "number": 0.0, "boolean": False, "null": None, "array": []}


def example_value(schema: JsonSchemaObject, text: str) -> object:
    """A value of ``schema`` in which every free string is ``text``; ``$ref`` and combinators are not followed.

    An object gets its required properties, or all of them when none is required. A schema without properties gives
    ``{"text": text}``.
    """
    if "const" in schema:
        return schema["const"]
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    kind = schema.get("type", "object")
    if kind == "object":
        return _object(schema, text)
    return text if kind == "string" else _PLAIN.get(kind, text)


def _object(schema: JsonSchemaObject, text: str) -> dict[str, object]:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {"text": text}
    required = schema.get("required")
    wanted = required if isinstance(required, list) and required else list(properties)
    return {name: example_value(properties.get(name, {"type": "string"}), text) for name in wanted}
