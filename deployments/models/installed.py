"""The list of installed models in a backup."""

from deployments.models.catalogue import load_catalogue
from deployments.models.store import ModelStore


def installed_models(store: ModelStore) -> list[dict[str, object]]:
    """Every installed model of the catalogue with its id, revision and the SHA-256 of each file."""
    return [
        {
            "id": model.id,
            "revision": store.revision(model.id),
            "files": {f.path: f.sha256 for f in manifest.files} if (manifest := store.manifest(model.id)) else {},
        }
        for model in load_catalogue().models
        if store.is_installed(model.id)
    ]
