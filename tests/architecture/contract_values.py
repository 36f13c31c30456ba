"""Hypothesis strategies for contract types, from their type hints and the bounds of their fields."""

import dataclasses
import string
import types
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from hypothesis import strategies as st
from pydantic import BaseModel, JsonValue
from pydantic.fields import FieldInfo

from deployments.contracts.audio import AudioFormat
from deployments.contracts.settings import OutboundSettings, PrivacySettings

_WIDE = 1 << 31
_CHARACTERS = 'aZ0 -_/:яЁ€😀\n\0"\\'
"""A few characters of each kind: the whole of Unicode takes Hypothesis seconds to load."""
_PLAIN: Mapping[Any, st.SearchStrategy[Any]] = {
    str: st.text(_CHARACTERS, max_size=20),
    bytes: st.binary(max_size=20),
    bool: st.booleans(),
    int: st.integers(-_WIDE, _WIDE),
    float: st.floats(allow_nan=False),
    type(None): st.none(),
    datetime: st.datetimes(timezones=st.just(UTC)),
    JsonValue: st.one_of(
        st.none(), st.text(_CHARACTERS, max_size=5), st.integers(0, 9), st.lists(st.booleans(), max_size=2)
    ),
    OutboundSettings: st.builds(
        OutboundSettings,
        allowed_hosts=st.lists(st.sampled_from(["localhost:8000", "10.0.0.0/24", "[fd00::1]:80"]), max_size=3).map(
            tuple
        ),
    ),
    PrivacySettings: st.builds(
        PrivacySettings, messages_days=st.integers(0, 99), audit_days=st.one_of(st.just(0), st.integers(7, 99))
    ),
    AudioFormat: st.builds(AudioFormat, st.integers(1, 192_000), st.integers(1, 8)),
}


def values_of(kind: Any, bounds: tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:
    """Values of a type hint. Raises LookupError for an unknown hint."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return values_of(inner[0], tuple(bound for field in inner[1:] for bound in field.metadata))
    if bounds and kind in (int, float, str):
        return _bounded(kind, bounds)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if origin in (Union, types.UnionType):
        return st.one_of([values_of(choice) for choice in inner])
    if origin is Literal:
        return st.sampled_from(inner)
    if origin is tuple:
        return st.lists(values_of(inner[0]), min_size=_bound(bounds, MinLen, 0), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(values_of(inner[0]), values_of(inner[1]), max_size=3)
    return _instances(kind)


def _instances(kind: Any) -> st.SearchStrategy[Any]:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{field.name: values_of(hints[field.name]) for field in dataclasses.fields(kind)})
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return st.builds(kind, **{name: _value_of_field(field) for name, field in kind.model_fields.items()})
    raise LookupError(f"no values for {kind!r}: add a rule to tests/architecture/contract_values.py")


def _value_of_field(field: FieldInfo) -> st.SearchStrategy[Any]:
    return values_of(field.annotation, tuple(field.metadata))


def _bounded(kind: Any, bounds: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    pattern = next((bound.pattern for bound in bounds if getattr(bound, "pattern", None)), None)
    if pattern is not None:
        return st.from_regex(pattern.removesuffix("$") + r"\Z", alphabet=st.sampled_from(string.printable))
    if kind is str:
        shortest = _bound(bounds, MinLen, 0)
        return st.text(_CHARACTERS, min_size=shortest, max_size=min(_bound(bounds, MaxLen, 20), shortest + 20))
    lowest = _bound(bounds, Ge, _bound(bounds, Gt, -_WIDE))
    highest = _bound(bounds, Le, _bound(bounds, Lt, _WIDE))
    if kind is int:
        return st.integers(lowest, highest)
    return st.floats(lowest, highest, exclude_min=any(isinstance(bound, Gt) for bound in bounds))


def _bound(bounds: tuple[Any, ...], kind: type, otherwise: Any) -> Any:
    names = {Ge: "ge", Gt: "gt", Le: "le", Lt: "lt", MinLen: "min_length", MaxLen: "max_length"}
    return next((getattr(bound, names[kind]) for bound in bounds if isinstance(bound, kind)), otherwise)
