"""The limits of JSON schemas that llama.cpp has to turn into a grammar."""

import time

import orjson
import pytest

from deployments.contracts.errors import InvalidRequest
from deployments.engines.chat.turn_checks import parse_schema

Schema = dict[str, object]
STRING: Schema = {"type": "string"}


def pattern(text: str) -> Schema:
    return {"type": "string", "pattern": f"^{text}$"}


def fields(count: int, schema: Schema = STRING, *, required: bool = False) -> Schema:
    names = [f"field{number}" for number in range(count)]
    return {"type": "object", "properties": dict.fromkeys(names, schema), "required": names if required else []}


def doubling(depth: int, definition: str) -> Schema:
    """``depth`` definitions, each of which refers twice to the next one."""
    pair = [{"$ref": "#/$defs/NEXT"}] * 2
    parts = {
        f"d{number}": orjson.loads(orjson.dumps({definition: pair}).replace(b"NEXT", b"d%d" % (number + 1)))
        for number in range(depth)
    }
    return {"$defs": {**parts, f"d{depth}": STRING}, "$ref": "#/$defs/d0"}


REFUSED: dict[str, tuple[Schema, str]] = {
    "required properties": (fields(700, required=True), "500 parts"),
    "optional properties": (fields(300), "150 choices"),
    "enum": ({"enum": [f"v{n}" for n in range(200)]}, "150 choices"),
    "branches": ({"anyOf": [{"const": n} for n in range(200)]}, "150 choices"),
    "nested branches": ({"anyOf": [{"oneOf": [{"const": n} for n in range(50)]}] * 4}, "150 choices"),
    "optional properties in allOf": ({"allOf": [fields(100), fields(100)]}, "150 choices"),
    "doubled references": (doubling(30, "anyOf"), "500 parts"),
    "doubled items": (doubling(30, "prefixItems"), "500 parts"),
    "length": ({"type": "string", "minLength": 10**9}, "2000 for minLength"),
    "fractional length": ({"type": "array", "items": STRING, "maxItems": 1e9}, "2000 for maxItems"),
    "many lengths": (fields(150, {"type": "string", "maxLength": 2_000}), "200000"),
    "optional parts": (pattern("((a?){50}){5}"), "16 optional parts"),
    "optional sequence": (pattern("a*" * 90), "16 optional parts"),
    "optional parts of fields": (fields(100, pattern("[a-z]?-?")), "16 optional parts"),
    "long optional parts": (pattern("([a-z]{0,100}){16}"), "16 optional parts"),
    "repeated groups": (pattern("((((a{9}){9}){9}){9}){9}"), "2000 times"),
    "unclosed group": (pattern("(((a{9}){999}(b"), "2000 times"),
    "long pattern": (pattern("a|" * 5_000 + "a"), "200 characters"),
    "repeated alternatives": (pattern("((a|b|c){20}){20}"), "150 choices"),
    "size": ({"enum": ["x" * 100_000]}, "65536 characters"),
}


@pytest.mark.parametrize(("schema", "limit"), REFUSED.values(), ids=REFUSED)
def test_schema_over_a_limit_is_refused(schema: Schema, limit: str) -> None:
    text = orjson.dumps(schema).decode()
    started = time.process_time()
    with pytest.raises(InvalidRequest, match=limit) as caught:
        parse_schema(text)
    assert caught.value.param == "response_format"
    assert time.process_time() - started < 0.2


ACCEPTED: dict[str, Schema] = {
    "many fields": fields(480, required=True),
    "nullable fields": fields(120, {"anyOf": [STRING, {"type": "null"}]}),
    "choice in each field": fields(4, {"enum": [f"v{n}" for n in range(100)]}, required=True),
    "phone": pattern(r"(\([0-9]{3}\))?[0-9]{3}-[0-9]{4}"),
    "date": pattern(r"[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}(T[0-9:]{8}Z?)?"),
    "host": pattern(r"[a-z0-9]{1,63}(\.[a-z0-9]{1,63}){1,10}"),
    "character class": pattern(r"[]a-z(|{?*]+\)\?\{{2}"),
    "tree": {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {"name": STRING, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            }
        },
        "$ref": "#/$defs/node",
    },
    "reference to itself": {"$ref": "#"},
    "unknown reference": {"$ref": "https://example.com/schema.json"},
    "wrong types": {"enum": 1, "properties": [], "required": {}, "anyOf": 2, "pattern": None, "maxLength": "x"},
}


@pytest.mark.parametrize("schema", ACCEPTED.values(), ids=ACCEPTED)
def test_ordinary_schema_is_accepted(schema: Schema) -> None:
    assert parse_schema(orjson.dumps(schema).decode()) == schema
