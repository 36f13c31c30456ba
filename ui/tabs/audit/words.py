"""What the page says about an event: who, what, when, and which values changed."""

import re
from dataclasses import dataclass

import orjson

from ui.translations import Translator

_BY_ITSELF = {
    "(installation)": "audit.by_installation",
    "(retention)": "audit.by_retention",
    "(console)": "audit.by_console",
    "(unknown)": "audit.by_unknown",
}
_NEXT_PART = re.compile(r"; (?=[\w.]+(?:: |, |$))")
_VALUES = re.compile(r"([\w.]+): (.*) → (.*)", re.DOTALL)
_ARROW = " -> "
_NAMES = re.compile(r"[a-z_.]+(?:, [a-z_.]+)*")


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A field with its old and its new value, as they are shown."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class EventDetail:
    """The detail of an event: values that changed, names of further changed fields, or another text."""

    values: tuple[ValueChange, ...] = ()
    fields: tuple[str, ...] = ()
    text: str = ""


def action_text(action: str, t: Translator) -> str:
    key = f"audit.actions.{action}"
    return t(key) if t.has(key) else action.replace("_", " ")


def object_text(resource: str, t: Translator) -> str:
    key = f"audit.objects.{resource}"
    return t(key) if t.has(key) else resource.replace("_", " ")


def person_text(username: str, t: Translator) -> str:
    key = _BY_ITSELF.get(username)
    return t(key) if key else username


def parse_detail(action: str, detail: str, t: Translator) -> EventDetail:
    """Reads the values and names of fields out of a detail; anything else stays a text."""
    values: list[ValueChange] = []
    fields: list[str] = []
    texts: list[str] = []
    for part in _NEXT_PART.split(detail):
        if found := _VALUES.fullmatch(part):
            values.append(ValueChange(found[1], _value(found[2], t), _value(found[3], t)))
        elif change := _words_change(part):
            values.append(change)
        elif action == "update" and _NAMES.fullmatch(part):
            fields.extend(part.split(", "))
        elif part:
            texts.append(part)
    return EventDetail(tuple(values), tuple(fields), "; ".join(texts))


def _words_change(part: str) -> ValueChange | None:
    """The change in a detail such as "role viewer -> operator" or "off -> on"; None for other texts."""
    before, arrow, after = part.partition(_ARROW)
    words = before.split(" ")
    if not arrow or not all((*words, after)) or len(words) > 2 or " " in after:
        return None
    return ValueChange(words[0] if len(words) == 2 else "", words[-1], after)


def _value(text: str, t: Translator) -> str:
    """A JSON value in words; a text that was cut stays as it is."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    if isinstance(value, bool):
        return t("common.yes") if value else t("common.no")
    if value in (None, "", [], {}):
        return t("audit.empty_value")
    return value if isinstance(value, str) else text
