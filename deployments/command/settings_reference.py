"""The page of all settings, ``docs/settings.md``, made of the descriptions that stand beside the fields themselves.

python -m deployments.command.settings_reference > docs/settings.md
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from deployments.arguments import BotsArgs, Hosting, OfficeArgs, PhoneArgs, SecretaryArgs
from deployments.contracts.settings import Settings
from deployments.engines.options import EngineOptions
from deployments.engines.registry import BUILT_IN_ENGINES, EngineRegistration, EngineSpec
from storage.environment import Environment

Schema = Mapping[str, Any]
"""A JSON schema as Pydantic writes it: the one place where types, defaults and bounds of any field look alike."""

TableRow = tuple[str, ...]

APPLICATION_ARGUMENTS: dict[str, type[BaseModel]] = {
    "secretary": SecretaryArgs,
    "office": OfficeArgs,
    "phone": PhoneArgs,
    "bots": BotsArgs,
}
"""The applications of ``graph.yaml`` and what each takes as ``args``."""

_HEAD = """# Settings

Three places say how the secretary behaves. Which one a thing belongs to follows from who decides it and when it counts.

| place | decides | takes effect |
|---|---|---|
| [the database](#live-settings) | behaviour: limits, thresholds, answers, personas, keys, bots | in under a second |
| [the environment](#environment) | this machine: folders, address, secrets | at the next start |
| [`graph.yaml`](#graphyaml) | the shape: deployments, engines, replicas | at the next start or `serve deploy` |

This page is made from the descriptions in the code; a test compares the two. To make it anew:
`python -m deployments.command.settings_reference > docs/settings.md`
"""
_LIVE = """## Live settings

Stored as rows, sent to every process in the snapshot. A row is a field of the first level: a single value, or a group
such as `privacy`, all of whose fields are stored when one is changed. What has no row has the default of the program.
What another version wrote and this one does not understand is left out and told in the log; the rest of its group
counts, and a change of the group keeps it for the version that knows it. While something in `privacy` is not
understood, nothing is deleted for its age.
"""
_SCOPES = """A setting counts for each *turn* that says nothing else itself, each *request*, each API *key*, each
process of a *door*, or the whole *installation*. `limits`, `outbound` and `privacy` are changed by administrators only.
"""
_ENVIRONMENT = """## Environment

Variables, or lines of a file `.env` in the working directory; a variable wins over the file, an empty one counts as
absent. `secretary models pull` and the office also read `HF_ENDPOINT` (another hub or mirror,
on an inner network too) and `HF_TOKEN` (sent to that host only), and pip's own variables.
"""
_GRAPH = """## graph.yaml

The file is a Ray Serve configuration. Keys that are not known are refused, with the file and the place in the message.
`secretary up` takes the address from the environment and uses of this file `http_options.keep_alive_timeout_s` and the
`name`, `route_prefix`, `import_path` and `args` of each application; the other keys are for `serve deploy`, and it says
so when they have values of their own. A key that stands twice, an engine or an option that does not exist and a voice
in `staff` that no deployment has are refused too; options of engines from other packages only by `secretary check`.
"""
_HOSTING = """### Every deployment

How Serve hosts it. A deployment takes these fields besides its own; where a default differs, its own table says so.
"""
_ENGINES = """## Engine options

What stands under `options:` of an engine. A path may be written `model://<id>` or `model://<id>/<file>`, with an id of
`secretary models list`. Every engine takes `model_id` besides its own options.
"""


def settings_reference() -> str:
    """The whole page."""
    parts = [
        _HEAD,
        _LIVE,
        _table(_scoped(Settings), "scope"),
        _SCOPES,
        _ENVIRONMENT,
        _table(_rows(Environment)),
        _GRAPH,
        _HOSTING,
        _table(_rows(Hosting)),
        *(part for name, model in APPLICATION_ARGUMENTS.items() for part in _application(name, model)),
        _ENGINES,
        _table(_rows(EngineOptions)),
        *(
            part
            for kind, engines in BUILT_IN_ENGINES.items()
            for name in engines
            for part in _engine(kind, name, engines[name])
        ),
    ]
    return "\n".join(parts)


def print_settings_reference() -> None:
    """Prints the page of all settings, docs/settings.md."""
    typer.echo(settings_reference(), nl=False)


def _application(name: str, model: type[BaseModel]) -> Iterator[str]:
    yield f"### {name}\n"
    yield _table(_rows(model, TableOptions(include_groups=True, include_hosting=False)))


def _engine(kind: str, name: str, registration: EngineRegistration) -> Iterator[str]:
    module, _, attribute = registration.path.partition(":")
    engine = getattr(import_module(module), attribute)
    needs = f" Needs `pip install 'ai-secretary[{registration.extra}]'`." if registration.extra else ""
    yield f"### {kind}: {name}\n\n{_summary(engine)}{needs}\n"
    yield _table(row for row in _rows(engine.Options) if row[0] != "`model_id`")


@dataclass(frozen=True, slots=True)
class TableOptions:
    """Which rows a table has: one for each group of fields, and what deployments have from Hosting unchanged."""

    include_groups: bool = False
    include_hosting: bool = True


def _rows(
    model: type[BaseModel], shown: TableOptions = TableOptions(), at: str = "", given: object = None
) -> Iterator[TableRow]:
    """A row for each field, fields of inner models under dotted names. ``given`` is the instance of ``model`` that
    counts when nothing is said, where it is not the model's own default."""
    schema = model.model_json_schema(by_alias=False)
    for name, field in schema["properties"].items():
        if not shown.include_hosting and _is_plain_hosting(model, name):
            continue
        inner, brackets = _inner(model, name)
        default = model.model_fields[name].default if given is None else getattr(given, name)
        required = "required" if name in schema.get("required", ()) and given is None else ""
        if inner is None:
            bounds = (_type(field), required or _default(default), _range(field))
            yield _row(at + _named(model, name), *bounds, _description(model, name))
            continue
        if shown.include_groups:
            absent = required or ("none" if default in (None, ()) else "")
            yield _row(at + name, "list of groups" if brackets else "group", absent, _range(field), _summary(inner))
        yield from _rows(inner, shown, f"{at}{name}{brackets}.", default if isinstance(default, inner) else None)


def _scoped(model: type[BaseModel]) -> Iterator[TableRow]:
    """The rows of ``model``, each with the scope of its field before the description."""
    for row, scope in zip(_rows(model), _scopes(model), strict=True):
        yield *row[:-1], scope, row[-1]


def _scopes(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_json_schema()["properties"].items():
        inner, _ = _inner(model, name)
        yield from (str(field.get("scope", "")),) if inner is None else _scopes(inner)


def _named(model: type[BaseModel], name: str) -> str:
    return f"SECRETARY_{name.upper()}" if model is Environment else name


def _is_plain_hosting(model: type[BaseModel], name: str) -> bool:
    return issubclass(model, Hosting) and name in Hosting.model_fields and name not in model.__annotations__


def _inner(model: type[BaseModel], name: str) -> tuple[type[BaseModel] | None, str]:
    """The model that a field holds, if any, and "[]" when it holds a list of them."""
    annotation = model.model_fields[name].annotation
    candidates = (annotation, *getattr(annotation, "__args__", ()))
    found = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
    return found, "[]" if getattr(annotation, "__origin__", None) is tuple else ""


def _summary(documented: type) -> str:
    """The first paragraph of a class's own docstring, in one line."""
    return " ".join((documented.__dict__.get("__doc__") or "").split("\n\n")[0].split())


def _description(model: type[BaseModel], name: str) -> str:
    """The field's own words, else those of the field that it overrides or stands for."""
    for described in (*model.__mro__, EngineSpec):
        field = getattr(described, "model_fields", {}).get(name)
        if field is not None and field.description:
            return str(field.description)
    return ""


def _type(field: Schema) -> str:
    if "anyOf" in field:
        return " or ".join(_type(choice) for choice in field["anyOf"] if choice.get("type") != "null")
    kind = field.get("type")
    if kind == "array":
        return f"list of {_type(field['items'])}"
    if kind == "object":
        value = field.get("additionalProperties")
        return f"text → {_type(value)}" if isinstance(value, dict) and value.get("type") else "mapping"
    formats = {"path": "path", "password": "secret"}
    names = {"integer": "whole number", "number": "number", "boolean": "true or false", "string": "text"}
    return formats.get(field.get("format", "")) or names.get(str(kind), "any")


def _default(value: object) -> str:
    if value in (None, "", PydanticUndefined):
        return ""
    text = value if isinstance(value, str | Path) else json.dumps(value, ensure_ascii=False)
    return f"`{text}`"


def _range(field: Schema) -> str:
    if "anyOf" in field:
        return "; ".join(filter(None, (_range(choice) for choice in field["anyOf"])))
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {field[key]:,}" for key, sign in signs.items() if key in field]
    sizes = {"minItems": "at least", "maxItems": "at most"}
    bounds += [f"{words} {field[key]:,}" for key, words in sizes.items() if key in field]
    if "pattern" in field:
        bounds.append(f"`{field['pattern']}`")
    return ", ".join(bounds)


def _row(name: str, kind: str, default: str, bounds: str, description: str) -> TableRow:
    words = description.replace("<", "&lt;")
    return f"`{name}`", kind, default, bounds.replace("|", "\\|"), words.replace("|", "\\|")


def _table(rows: Iterator[TableRow], *more: str) -> str:
    heads = ("name", "type", "default", "range", *more, "")
    lines = [f"| {' | '.join(heads)} |".replace("|  |", "| |"), "|---" * len(heads) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print_settings_reference()
