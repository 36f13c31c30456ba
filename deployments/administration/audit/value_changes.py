"""What a change was, for the audit log: each field that differs, with its old and its new value."""

from collections.abc import Iterator, Mapping
from itertools import takewhile

import orjson
from pydantic import BaseModel

MAX_VALUE_LENGTH = 200
ARROW = " → "
SECRET = "***"  # noqa: S105 - what is shown in the place of a secret
_SEALED = "sealed_"
_SECRETS = frozenset({"token", "api_key", "password", "password_hash", "digest", "proxies", "vless_urls"})
_UNAUDITED = frozenset(
    {"id", "version", "hits", "updated_at", "created_at", "key_origin", "prefix", "proxy_generation"}
)
_LEAD = 40


def value_changes(before: Mapping[str, object], after: Mapping[str, object]) -> str:
    """ "temperature: 0.3 → 0.7; prompts.ru: "Ты Анна" → "Ты Мария" ": fields that differ, values as JSON.

    Groups of fields are named with a dot. A field that one side lacks is null there. Long values are cut to
    MAX_VALUE_LENGTH around the first difference. Secrets are ``***``; an empty one is shown as such. No value contains
    "; " or an arrow as these are, so that the text can be taken apart.
    """
    return "; ".join(_changes(before, after, ""))


def model_changes(before: BaseModel | None, after: BaseModel | None) -> str:
    """``value_changes`` of two states; None is the state before a creation and after a deletion, when only the fields
    that differ from their defaults are named."""
    return value_changes(
        _fields(before, without_defaults=after is None), _fields(after, without_defaults=before is None)
    )


def _fields(model: BaseModel | None, *, without_defaults: bool) -> dict[str, object]:
    if model is None:
        return {}
    fields = model.model_dump(mode="json", exclude_defaults=without_defaults)
    return {name: value for name, value in fields.items() if name not in _UNAUDITED}


def _changes(before: Mapping[str, object], after: Mapping[str, object], group: str) -> Iterator[str]:
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if not group and _is_group(old) and _is_group(new) and (old or new):
            yield from _changes(_mapping(old), _mapping(new), f"{name}.")
            continue
        shown = name.removeprefix(_SEALED)
        if name.startswith(_SEALED) or shown in _SECRETS:
            old, new = (SECRET if each else each for each in (old, new))
            yield f"{group}{shown}: {_json(old)}{ARROW}{_json(new)}"
        else:
            yield f"{group}{shown}: {ARROW.join(_cut(old, new))}"


def _is_group(value: object) -> bool:
    return value is None or (isinstance(value, dict) and all(key.isidentifier() for key in value))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _cut(old: object, new: object) -> tuple[str, str]:
    """Both values as JSON. Long ones begin shortly before the first difference."""
    texts = [each if isinstance(each, str) else orjson.dumps(each).decode() for each in (old, new)]
    if max(map(len, texts)) <= MAX_VALUE_LENGTH:
        return _json(old), _json(new)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False)))
    start = max(0, same - _LEAD) if same > MAX_VALUE_LENGTH - _LEAD else 0
    shown = (_window(value, text, start) for value, text in zip((old, new), texts, strict=True))
    first, second = shown
    return first, second


def _window(value: object, text: str, start: int) -> str:
    if value is None:
        return "null"
    part = text[start : start + MAX_VALUE_LENGTH]
    return _json(f"{'…' if start else ''}{part}{'…' if start + MAX_VALUE_LENGTH < len(text) else ''}")


def _json(value: object) -> str:
    return orjson.dumps(value).decode().replace(";", "\\u003b").replace("→", "\\u2192")
