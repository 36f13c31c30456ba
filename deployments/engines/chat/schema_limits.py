"""Limits of JSON schemas. llama.cpp turns a schema into a grammar and tries every alternative of it on every token.

Within these limits, preparing the grammar and writing one token take a second at most. A reference counts as often
as it is used.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Self

from deployments.contracts.errors import InvalidRequest

MAX_SCHEMA_LENGTH = 65_536
MAX_SCHEMA_PARTS = 500
"""Schemas and enum values in the schema."""
MAX_CHOICES = 150
"""Ways in which the answer may go on at one place: enum values, branches of ``anyOf``, optional properties."""
MAX_REPETITIONS = 2_000
"""The value of ``maxLength``, ``maxItems`` and so on; also the length of a pattern with its repetitions written out."""
MAX_TOTAL_LENGTH = 200_000
"""The sum of ``maxLength``, ``maxItems`` and so on."""
MAX_PATTERN_LENGTH = 200
MAX_OPTIONAL_PARTS = 16
"""Parts of all patterns that may be absent (``?``, ``*``, ``{0,n}``), multiplied by the repetitions around them."""

_PARAM = "response_format"
_MAX_DEPTH = 64
_REPETITIONS_PER_OPTIONAL_PART = 32
_MAPS = ("properties", "patternProperties", "dependentSchemas")
_LISTS = ("prefixItems", "items")
_CHILDREN = ("items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else")
_LENGTHS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*+(?:\]|\\?\Z)|\(\?[:=!]|\{(\d+)(,?)(\d*)\}|.", re.DOTALL)

Schema = Mapping[str, object]


def check_schema_size(text: str, param: str = _PARAM) -> None:
    """Raises InvalidRequest when the JSON text of a schema is too long."""
    _require(len(text) <= MAX_SCHEMA_LENGTH, f"{MAX_SCHEMA_LENGTH} characters", param)


def check_schema(schema: Schema) -> None:
    """Raises InvalidRequest that names the limit which ``schema`` exceeds."""
    _SchemaCount(schema).choices(schema, (), 0)


def check_tool_schemas(schemas: Sequence[Schema]) -> None:
    """Raises InvalidRequest when the parameters of tools exceed a limit. The limits apply to all tools together: they
    become one grammar."""
    count = _SchemaCount({}, "tools")
    choices = len(schemas)
    for schema in schemas:
        choices = max(choices, count.restart(schema).choices(schema, (), 0))
    count.require(choices <= MAX_CHOICES, f"{MAX_CHOICES} tools")


class _SchemaCount:
    """Counts the parts of one schema with its references resolved. Ends at the first limit that is exceeded."""

    def __init__(self, root: Schema, param: str = _PARAM) -> None:
        self._root = root
        self._param = param
        self._parts = 0
        self._total_length = 0
        self._optional_parts = 0

    def restart(self, root: Schema) -> Self:
        """Goes on with another schema; what was counted stays."""
        self._root = root
        return self

    def require(self, condition: bool, limit: str) -> None:
        _require(condition, limit, self._param)

    def choices(self, node: object, references: tuple[str, ...], depth: int) -> int:
        """In how many ways an answer may go on at one place within ``node``, at most.

        ``references`` are those that lead to ``node``; one that leads back to itself is not followed again.
        """
        self.require(depth <= _MAX_DEPTH, f"{_MAX_DEPTH} levels, counted with its references")
        values = node.get("enum") if isinstance(node, dict) else None
        self._parts += 1 + (len(values) if isinstance(values, list) else 0)
        self.require(self._parts <= MAX_SCHEMA_PARTS, f"{MAX_SCHEMA_PARTS} parts, counted with its references")
        if not isinstance(node, dict):
            return 1
        self._count_lengths(node)
        found = self._own_choices(node) + sum(self.choices(part, references, depth + 1) for part in _branches(node))
        for child in _children(node):
            found = max(found, self.choices(child, references, depth + 1))
        reference = node.get("$ref")
        if isinstance(reference, str) and reference not in references:
            target = _resolve(self._root, reference)
            found = max(found, self.choices(target, (*references, reference), depth + 1))
        self.require(
            found <= MAX_CHOICES, f"{MAX_CHOICES} choices at one place: enum values, branches and optional properties"
        )
        return max(1, found)

    def _own_choices(self, node: Schema) -> int:
        lists = [values for name in ("enum", "type") if isinstance(values := node.get(name), list)]
        pattern = node.get("pattern")
        found = sum(len(values) for values in lists) + _optional_properties(node)
        if not isinstance(pattern, str):
            return found
        part = measure_pattern(pattern, self._param)
        self._optional_parts += part.optional
        self.require(self._optional_parts <= MAX_OPTIONAL_PARTS, f"{MAX_OPTIONAL_PARTS} optional parts of patterns")
        return found + part.alternatives

    def _count_lengths(self, node: Schema) -> None:
        for name in _LENGTHS:
            length = node.get(name)
            if isinstance(length, int | float):
                self.require(length <= MAX_REPETITIONS, f"{MAX_REPETITIONS} for {name}")
                self._total_length += max(0, int(length))
        self.require(self._total_length <= MAX_TOTAL_LENGTH, f"{MAX_TOTAL_LENGTH} for the sum of all lengths")


def measure_pattern(pattern: str, param: str = _PARAM) -> "PatternPart":
    """The size of a regular expression. Raises InvalidRequest when it is too long or repeats too often."""
    _require(len(pattern) <= MAX_PATTERN_LENGTH, f"patterns of {MAX_PATTERN_LENGTH} characters", param)
    open_groups = [PatternPart()]
    last = PatternPart()
    for token in _TOKEN.finditer(pattern):
        text = token[0]
        if text[0] == "(":
            open_groups.append(PatternPart())
        elif text == ")" and len(open_groups) > 1:
            last = open_groups.pop()
            open_groups[-1].add(last)
        elif repeats := _repeats(text, token):
            open_groups[-1].repeat(last, *repeats)
            last = PatternPart()
        elif text == "|":
            open_groups[-1].alternatives += 1
        else:
            last = PatternPart(length=1)
            open_groups[-1].add(last)
    for group in open_groups[:0:-1]:
        open_groups[0].add(group)
    whole = open_groups[0]
    _require(whole.length <= MAX_REPETITIONS, f"patterns that repeat {MAX_REPETITIONS} times", param)
    return whole


class PatternPart:
    """Counts of a part of a pattern with its repetitions written out: characters, optional parts, alternatives."""

    def __init__(self, length: int = 0) -> None:
        self.length = length
        self.optional = 0
        self.alternatives = 0

    def add(self, part: "PatternPart", times: int = 1) -> None:
        self.length += part.length * times
        self.optional += part.optional * times
        self.alternatives += part.alternatives * times

    def repeat(self, part: "PatternPart", least: int, most: int) -> None:
        """``part``, which was already added once, occurs ``least`` to ``most`` times."""
        self.add(part, most - 1)
        if least == 0:
            self.optional += 1 + most // _REPETITIONS_PER_OPTIONAL_PART


def _repeats(text: str, token: re.Match[str]) -> tuple[int, int] | None:
    if text in ("?", "*"):
        return 0, 1
    if text == "+":
        return 1, 1
    if token[1] is None:
        return None
    least = min(int(token[1][:9]), MAX_REPETITIONS + 1)
    most = min(int(token[3][:9]), MAX_REPETITIONS + 1) if token[3] else least
    return least, max(1, least, most)


def _branches(node: Schema) -> Iterator[object]:
    for name in ("anyOf", "oneOf", "allOf"):
        values = node.get(name)
        yield from values if isinstance(values, list) else ()


def _children(node: Schema) -> Iterator[object]:
    for name in _MAPS:
        values = node.get(name)
        yield from values.values() if isinstance(values, dict) else ()
    for name in _LISTS:
        values = node.get(name)
        yield from values if isinstance(values, list) else ()
    for name in _CHILDREN:
        child = node.get(name)
        if isinstance(child, dict):
            yield child


def _optional_properties(node: Schema) -> int:
    properties, required = node.get("properties"), node.get("required")
    if not isinstance(properties, dict):
        return 0
    names = {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
    return len(properties.keys() - names)


def _resolve(root: Schema, reference: str) -> object:
    """The schema at a JSON pointer within ``root`` (RFC 6901); None where there is none."""
    node: object = root
    for step in reference.removeprefix("#").split("/")[1:] if reference.startswith("#") else ("",):
        name = step.replace("~1", "/").replace("~0", "~")
        node = node.get(name) if isinstance(node, dict) else None
    return node


def _require(condition: bool, limit: str, param: str) -> None:
    if not condition:
        what = "the JSON schema is" if param == _PARAM else "the schemas of the tools are"
        raise InvalidRequest(f"{what} too large for the local model; the limit is {limit}", param=param)
