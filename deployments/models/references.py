"""Resolves model references, ``model://<id>`` and ``model://<id>/<file>``, in engine options of graph.yaml."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import JsonValue

from deployments.models.store import ModelStore

SCHEME = "model://"


def referenced_model_ids(options: JsonValue) -> Iterator[str]:
    """Yields every model id in ``options`` in order, with duplicates."""
    if isinstance(options, str) and options.startswith(SCHEME):
        yield options.removeprefix(SCHEME).partition("/")[0]
    elif isinstance(options, dict):
        for value in options.values():
            yield from referenced_model_ids(value)
    elif isinstance(options, list):
        for value in options:
            yield from referenced_model_ids(value)


def resolve_references(options: JsonValue, store: ModelStore) -> JsonValue:
    """Replaces every reference in ``options`` with a path. Raises ModelMissing for a model that is not installed."""
    if isinstance(options, str) and options.startswith(SCHEME):
        model_id, _, file = options.removeprefix(SCHEME).partition("/")
        directory = store.installed_directory(model_id)
        return str(directory / file if file else directory)
    if isinstance(options, dict):
        return {key: resolve_references(value, store) for key, value in options.items()}
    if isinstance(options, list):
        return [resolve_references(value, store) for value in options]
    return options


def resolve_options(options: dict[str, JsonValue], models: Path) -> dict[str, JsonValue]:
    """Resolves the references in engine options in the store at ``models``.

    ``model_id`` defaults to the id of the model if the options refer to one model.
    """
    store = ModelStore(models)
    ids = tuple(referenced_model_ids(options))
    defaults: dict[str, JsonValue] = {"model_id": ids[0]} if len(ids) == 1 else {}
    return defaults | {key: resolve_references(value, store) for key, value in options.items()}


def describe_models(options: dict[str, JsonValue], models: Path) -> tuple[str, str]:
    """The ids and the revisions of the models in ``options``, joined by commas."""
    store = ModelStore(models)
    ids = tuple(dict.fromkeys(referenced_model_ids(options)))
    revisions = (store.revision(model_id) for model_id in ids)
    return ", ".join(ids), ", ".join(filter(None, revisions))
