"""What is on disk, as a backup lists it: enough to bring the same models again."""

from deployments.models.catalogue import load_catalogue
from deployments.models.store import ModelStore


def installed_models(store: ModelStore) -> list[dict[str, object]]:
    """Every installed model of the catalogue: id, revision, and the SHA-256 of each file as measured when it came."""
    return [
        {
            "id": model.id,
            "revision": store.revision(model.id),
            "files": {f.path: f.sha256 for f in manifest.files} if (manifest := store.manifest(model.id)) else {},
        }
        for model in load_catalogue().models
        if store.is_installed(model.id)
    ]
