"""JSON schemas in the form that llama.cpp's grammars follow, and the keywords that they do not follow.

llama.cpp (common/json-schema-to-grammar.cpp) reads some keywords and ignores the others. A strict schema is followed to
the letter or refused; in one that is not strict, other keywords are a hint for the model, as in the OpenAI API.
"""

from collections.abc import Mapping

from deployments.contracts.errors import InvalidRequest
from deployments.engines.chat.grammar_pattern import PatternNotSupported, grammar_pattern

_ANNOTATIONS = frozenset(
    {
        *("$schema", "$id", "$anchor", "$comment", "$defs", "definitions", "title", "description", "default"),
        *(
            "examples",
            "example",
            "deprecated",
            "readOnly",
            "writeOnly",
            "contentEncoding",
            "contentMediaType",
            "strict",
        ),
        *("nullable", "discriminator"),
    }
)
_FOLLOWED = frozenset(
    {
        *("$ref", "type", "enum", "const", "anyOf", "oneOf", "allOf", "properties", "required", "additionalProperties"),
        *("items", "prefixItems", "minItems", "maxItems", "minLength", "maxLength", "pattern", "format", "minimum"),
        *("maximum", "exclusiveMinimum", "exclusiveMaximum"),
    }
)
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_FORMATS = ("date", "time", "date-time", "uuid")
"""Formats that llama.cpp knows."""
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_FORMAT_PATTERNS = {
    "email": rf"^[A-Za-z0-9_%+-]+(\.[A-Za-z0-9_%+-]+)*@{_LABEL}(\.{_LABEL})+$",
    "hostname": rf"^{_LABEL}(\.{_LABEL})*$",
    "ipv4": rf"^{_BYTE}(\.{_BYTE}){{3}}$",
    "uri": r"^[a-z][a-z0-9+.-]*://[A-Za-z0-9.:_-]+(/[A-Za-z0-9._~%!$&'()*+,;=:@/?#-]*)?$",
}
_MAPS = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_CHILDREN = ("items", "additionalProperties")


def grammar_schema(schema: dict[str, object], *, strict: bool, param: str = "response_format") -> dict[str, object]:
    """``schema`` for llama.cpp. Raises InvalidRequest that names a keyword which a ``strict`` schema may not have."""
    return _Rewriter(strict, param).schema(schema, "")


class _Rewriter:
    def __init__(self, strict: bool, param: str) -> None:
        self._strict = strict
        self._param = param

    def schema(self, node: Mapping[str, object], path: str) -> dict[str, object]:
        if "enum" not in node and "const" not in node:
            node = self._checked(node, path)
        found = dict(node)
        for name in _MAPS:
            children = found.get(name)
            if isinstance(children, dict):
                found[name] = {key: self._child(each, f"{path}.{key}") for key, each in children.items()}
        for name in _LISTS:
            branches = found.get(name)
            if isinstance(branches, list):
                found[name] = [self._child(each, f"{path}.{name}[{n}]") for n, each in enumerate(branches)]
        for name in _CHILDREN:
            if name in found:
                found[name] = self._child(found[name], f"{path}.{name}")
        return found

    def _child(self, node: object, path: str) -> object:
        return self.schema(node, path) if isinstance(node, dict) else node

    def _checked(self, node: Mapping[str, object], path: str) -> dict[str, object]:
        """``node`` without keywords that llama.cpp does not follow; strict ones are refused."""
        ignored = {name for name in node if name not in _ANNOTATIONS and name not in _FOLLOWED}
        ignored |= _ignored_beside_others(node)
        for name in sorted(ignored):
            self._refuse(name, path)
        kept = {name: value for name, value in node.items() if name not in ignored}
        kept |= self._text_pattern(kept, path)
        if "pattern" in kept or kept.get("format") not in _FORMATS:
            kept.pop("format", None)
        return kept

    def _text_pattern(self, node: dict[str, object], path: str) -> dict[str, object]:
        """The pattern of a text, also of a format that llama.cpp does not know."""
        pattern, format_name = node.get("pattern"), node.get("format")
        if not isinstance(pattern, str):
            if not isinstance(format_name, str) or format_name in _FORMATS:
                return {}
            pattern = _FORMAT_PATTERNS.get(format_name)
            if pattern is None:
                self._refuse("format", path, f": {format_name}")
                return {}
        try:
            return {"pattern": grammar_pattern(pattern)}
        except PatternNotSupported as error:
            self._refuse("pattern", path, f": {error}")
            node.pop("pattern", None)
            return {}

    def _refuse(self, keyword: str, path: str, reason: str = "") -> None:
        if self._strict:
            place = f" of {path.removeprefix('.')}" if path else ""
            raise InvalidRequest(
                f"the local model cannot enforce {keyword}{place} in a strict JSON schema{reason}", param=self._param
            )


def _ignored_beside_others(node: Mapping[str, object]) -> set[str]:
    """Keywords that llama.cpp knows, but not for this type or beside the others of ``node``."""
    ignored: set[str] = set()
    types = node.get("type")
    names = set(types) if isinstance(types, list) else {types}
    if not names & {"integer"} or "number" in names:
        ignored |= {name for name in _BOUNDS if name in node}
    if "pattern" in node or "format" in node:
        ignored |= {name for name in ("minLength", "maxLength") if name in node}
    if "pattern" in node and "format" in node:
        ignored.add("format")
    if "items" not in node and "prefixItems" not in node:
        ignored |= {name for name in ("minItems", "maxItems") if name in node}
    for reference in ("$ref", "anyOf", "oneOf"):
        if reference in node:
            siblings = node.keys() - _ANNOTATIONS - {reference, "type"}
            return ignored | (siblings & _FOLLOWED)
    return ignored
