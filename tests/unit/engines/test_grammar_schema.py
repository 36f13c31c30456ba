"""Strict JSON schemas: what llama.cpp's grammars follow, and which keyword is refused."""

import pytest

from deployments.contracts.errors import InvalidRequest
from deployments.engines.chat.grammar_pattern import PatternNotSupported, grammar_pattern
from deployments.engines.chat.grammar_schema import grammar_schema

ANY = r'[^\x00-\x1f"\\]*'


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"^\d{3}$", "^([0-9]){3,3}$"),
        (r"\d", f"^{ANY}[0-9]{ANY}$"),
        (r"^ab", f"^ab{ANY}$"),
        (r"ab$", f"^{ANY}ab$"),
        (r"^(a|bc)$", "^((a|bc))$"),
        (r"^ab$|^ac$", "^a(b|c)$"),
        (r"^ab|cd$", f"^(ab{ANY}|{ANY}cd)$"),
        (r"^[^a]\S$", r'^[^a\x00-\x1f"\\][^\x20\u00a0\x00-\x1f"\\]$'),
        (r'^[ -~]"\\$', r'^[\x20-\x21\x23-\x5b\x5d-\x7e]\\"\\\\$'),
        (r"^\w+@x\.ru$", r"^([A-Za-z0-9_]){1,}@x\.ru$"),
    ],
)
def test_pattern_becomes_what_a_grammar_follows(pattern: str, expected: str) -> None:
    assert grammar_pattern(pattern) == expected


@pytest.mark.parametrize("pattern", [r"(?=a)b", r"\bx\b", r"(a)\1", r"(?i)a", r"a(?!b)", r"\p{L}", "(", r"a^b"])
def test_pattern_beyond_grammars_is_refused(pattern: str) -> None:
    with pytest.raises(PatternNotSupported):
        grammar_pattern(pattern)


@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        ({"type": "number", "minimum": 0}, "minimum"),
        ({"type": ["number", "null"], "exclusiveMaximum": 5}, "exclusiveMaximum"),
        ({"type": "integer", "multipleOf": 5}, "multipleOf"),
        ({"type": "string", "format": "duration"}, "format"),
        ({"type": "string", "pattern": "(?=a)b"}, "pattern"),
        ({"type": "string", "pattern": "^a+$", "maxLength": 5}, "maxLength"),
        ({"type": "string", "pattern": "^a+$", "format": "date"}, "format"),
        ({"type": "array", "minItems": 2}, "minItems"),
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, "uniqueItems"),
        ({"type": "object", "patternProperties": {"^a": {"type": "string"}}}, "patternProperties"),
        ({"not": {"type": "string"}}, "not"),
        ({"$ref": "#/$defs/a", "minLength": 3, "$defs": {"a": {"type": "string"}}}, "minLength"),
    ],
)
def test_strict_schema_names_what_is_not_followed(schema: dict[str, object], keyword: str) -> None:
    wrapped: dict[str, object] = {"type": "object", "properties": {"field": {"anyOf": [schema, {"type": "null"}]}}}
    with pytest.raises(InvalidRequest, match=rf"\b{keyword} of field\.anyOf\[0\]"):
        grammar_schema(wrapped, strict=True)
    loose = grammar_schema(schema, strict=False)
    assert keyword not in loose


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 1, "maximum": 5, "title": "Age", "default": 3},
        {"type": ["integer", "null"], "minimum": 1},
        {"type": "string", "format": "date-time", "description": "when"},
        {"type": "string", "minLength": 1, "maxLength": 5},
        {"type": "array", "items": {"type": "string"}, "minItems": 1},
        {"enum": ["a", 1]},
        {
            "type": "object",
            "properties": {"format": {"const": "a"}, "minimum": {"type": "number"}},
            "required": ["format"],
        },
    ],
)
def test_strict_schema_that_is_followed_stays(schema: dict[str, object]) -> None:
    assert grammar_schema(schema, strict=True) == schema


@pytest.mark.parametrize("name", ["email", "hostname", "ipv4", "uri"])
def test_known_format_becomes_a_pattern(name: str) -> None:
    found = grammar_schema({"type": "string", "format": name}, strict=True)
    assert found.keys() == {"type", "pattern"}
