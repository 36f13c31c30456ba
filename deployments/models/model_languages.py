"""The languages of the model of an engine: those of its option ``languages``, else those of the catalogue."""

from pathlib import PurePath

from pydantic import JsonValue

from deployments.models.catalogue import CatalogueModel, load_catalogue
from deployments.models.references import SCHEME


def model_languages(options: dict[str, JsonValue]) -> tuple[str, ...]:
    """Empty for a model that neither the options nor the catalogue describe.

    A model is known by its id in a reference or in ``model_id``, and by the name of its folder or of its file.
    """
    given = options.get("languages")
    if isinstance(given, list):
        return tuple(str(language) for language in given)
    names = {part for text in _texts(options) for part in PurePath(text.removeprefix(SCHEME)).parts}
    return next((model.languages for model in load_catalogue().models if _is_named(model, names)), ())


def _texts(options: dict[str, JsonValue]) -> list[str]:
    return [value for name in ("model_id", "model") if isinstance(value := options.get(name), str)]


def _is_named(model: CatalogueModel, names: set[str]) -> bool:
    return model.kind == "chat" and (model.id in names or any(PurePath(f.path).name in names for f in model.files))
