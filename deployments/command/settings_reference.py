"""Generates ``docs/settings.md`` from the descriptions of the fields.

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

from deployments.arguments import Hosting
from deployments.command.graph import BUILDER_ARGUMENTS
from deployments.contracts.settings import Settings
from deployments.engines.options import EngineOptions
from deployments.engines.registry import BUILT_IN_ENGINES, EngineRegistration, EngineSpec
from storage.environment import Environment

Schema = Mapping[str, Any]
"""A JSON schema as Pydantic writes it."""

TableRow = tuple[str, ...]

_HEAD = """# Settings

| what | where | takes effect |
|---|---|---|
| [behaviour](#live-settings): limits, answers, personas, bots | the database: panel or admin API | in under a second |
| [this machine](#environment): folders, address, secrets | environment variables | at the next start |
| [deployments](#graphyaml), engines, replicas | `graph.yaml` | at the next start or `serve deploy` |

This page is generated: `python -m deployments.command.settings_reference > docs/settings.md`
"""
_LIVE = """## Live settings

Stored in the database and sent to every process. A group such as `privacy` is stored as a whole; a missing row means
the default. Values that this version does not know are ignored, logged and kept. While a value in `privacy` is unknown,
nothing is deleted for its age.
"""
_SCOPES = """The scope is what a setting applies to: a *turn* or *request* that has no value of its own, an API *key*,
one *door* process, or the whole *installation*. Only administrators change `limits`, `outbound` and `privacy`.
"""
_ENVIRONMENT = """## Environment

Variables, or lines of `.env` in the working directory. A variable wins over the file; an empty one counts as unset.
Model downloads also read `HF_ENDPOINT` (another hub), `HF_TOKEN` (sent to that host only) and the variables of pip.
"""
_GRAPH = """## graph.yaml

A Ray Serve configuration file. Unknown or repeated keys, engines, options and voices in `staff` are errors; options of
third-party engines are checked by `secretary check` only. `secretary up` takes its address from the environment and
reads `http_options.keep_alive_timeout_s` and `name`, `route_prefix`, `import_path` and `args` of each application.
Other keys are for `serve deploy`.
"""
_HOSTING = """### Every deployment

Fields of every deployment. Other defaults are in its own table.
"""
_ENGINES = """## Engine options

Fields under `options:` of an engine. A path can be `model://<id>` or `model://<id>/<file>` with an id of
`secretary models list`. Every engine also takes `model_id`.
"""


def settings_reference() -> str:
    """The whole page in Markdown."""
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
        *(part for path, model in BUILDER_ARGUMENTS.items() for part in _application(_application_name(path), model)),
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
    """Prints docs/settings.md."""
    typer.echo(settings_reference(), nl=False)


def _application_name(import_path: str) -> str:
    return import_path.removeprefix("serve_app:build_")


def _application(name: str, model: type[BaseModel]) -> Iterator[str]:
    yield f"### {name}\n"
    yield _table(_rows(model, TableOptions(include_groups=True, include_hosting=False)))


def _engine(kind: str, name: str, registration: EngineRegistration) -> Iterator[str]:
    module, _, attribute = registration.path.partition(":")
    engine = getattr(import_module(module), attribute)
    needs = f" Needs `make install EXTRA={registration.extra}`." if registration.extra else ""
    yield f"### {kind}: {name}\n\n{_summary(engine)}{needs}\n"
    yield _table(row for row in _rows(engine.Options) if row[0] != "`model_id`")


@dataclass(frozen=True, slots=True)
class TableOptions:
    """``include_groups`` adds a row for each group of fields, ``include_hosting`` the unchanged fields of Hosting."""

    include_groups: bool = False
    include_hosting: bool = True


def _rows(
    model: type[BaseModel], options: TableOptions = TableOptions(), at: str = "", given: object = None
) -> Iterator[TableRow]:
    """A row for each field; fields of inner models have dotted names.

    ``given`` is the default instance of ``model``, where it differs from the defaults of its fields.
    """
    schema = model.model_json_schema(by_alias=False)
    for name, field in schema["properties"].items():
        if not options.include_hosting and _is_plain_hosting(model, name):
            continue
        inner, brackets = _inner(model, name)
        default = model.model_fields[name].default if given is None else getattr(given, name)
        required = "required" if name in schema.get("required", ()) and given is None else ""
        if inner is None:
            bounds = (_type(field), required or _default(default), _range(field))
            yield _row(at + _named(model, name), *bounds, _description(model, name))
            continue
        if options.include_groups:
            absent = required or ("none" if default in (None, ()) else "")
            yield _row(at + name, "list of groups" if brackets else "group", absent, _range(field), _summary(inner))
        yield from _rows(inner, options, f"{at}{name}{brackets}.", default if isinstance(default, inner) else None)


def _scoped(model: type[BaseModel]) -> Iterator[TableRow]:
    """The rows of ``model`` with the scope of the field before the description."""
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
    """The model in a field, if any, and "[]" for a list of models."""
    annotation = model.model_fields[name].annotation
    candidates = (annotation, *getattr(annotation, "__args__", ()))
    found = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
    return found, "[]" if getattr(annotation, "__origin__", None) is tuple else ""


def _summary(documented: type) -> str:
    """The first paragraph of the docstring of a class in one line."""
    return " ".join((documented.__dict__.get("__doc__") or "").split("\n\n")[0].split())


def _description(model: type[BaseModel], name: str) -> str:
    """The description of the field, or of the field that it overrides."""
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
