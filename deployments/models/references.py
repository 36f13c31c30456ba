"""``model://<id>`` and ``model://<id>/<file>`` in engine options: how graph.yaml names weights without paths."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import JsonValue

from deployments.models.store import ModelStore

SCHEME = "model://"


def referenced_model_ids(options: JsonValue) -> Iterator[str]:
    """Every model id that occurs anywhere in ``options``, in order, repeated ids included."""
    if isinstance(options, str) and options.startswith(SCHEME):
        yield options.removeprefix(SCHEME).partition("/")[0]
    elif isinstance(options, dict):
        for value in options.values():
            yield from referenced_model_ids(value)
    elif isinstance(options, list):
        for value in options:
            yield from referenced_model_ids(value)


def resolve_references(options: JsonValue, store: ModelStore) -> JsonValue:
    """``options`` with every reference replaced by an absolute path. Raises ModelMissing for weights not on disk."""
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
    """Engine options with their model references resolved in the store at ``models``.

    An engine that refers to one model calls itself after it, unless ``model_id`` says otherwise.
    """
    store = ModelStore(models)
    ids = tuple(referenced_model_ids(options))
    name: dict[str, JsonValue] = {"model_id": ids[0]} if len(ids) == 1 else {}
    return name | {key: resolve_references(value, store) for key, value in options.items()}


def describe_models(options: dict[str, JsonValue], models: Path) -> tuple[str, str]:
    """Ids and revisions of the models that ``options`` refer to, each joined by commas."""
    store = ModelStore(models)
    ids = tuple(dict.fromkeys(referenced_model_ids(options)))
    revisions = (store.revision(model_id) for model_id in ids)
    return ", ".join(ids), ", ".join(filter(None, revisions))
