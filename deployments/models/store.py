"""The model directory: ``<root>/<model id>/<file path>`` and a manifest, which is written last.

A directory without a manifest is installed if it has every file of the catalogue in full size. Downloads are written to
``<root>/.partial`` on the same file system, so that a model appears with one rename.
"""

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from deployments.contracts.commands import secretary_command
from deployments.contracts.errors import ModelMissing
from deployments.models.catalogue import Catalogue, CatalogueModel, ModelFile, load_catalogue

MANIFEST_NAME = "manifest.json"
VOICE_FOLDER = "voices"
"""The recordings of cloned voices lie there, beside the models. It is no model."""


class InstalledFile(BaseModel):
    """``sha256`` is the hash of the file. ``verified`` is what it was compared with: catalogue, hub or nothing."""

    model_config = ConfigDict(frozen=True)

    path: str
    size: int
    sha256: str
    verified: str = "nothing"


class ModelManifest(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str
    revision: str
    source: str
    files: tuple[InstalledFile, ...]
    installed_at: datetime


class ModelStore:
    """Reads the model directory. ``root`` need not exist. ``catalogue`` None is the built-in catalogue."""

    def __init__(self, root: Path, catalogue: Catalogue | None = None) -> None:
        self.root = root
        self._catalogue = catalogue

    def directory(self, model_id: str) -> Path:
        """The directory of a model, which need not exist. Raises ValueError for an id that is a path."""
        if model_id.startswith(".") or Path(model_id).name != model_id:
            raise ValueError(f"{model_id!r} is not a model id")
        return self.root / model_id

    def partial_directory(self, model_id: str) -> Path:
        """The directory of an unfinished pull."""
        return self.root / ".partial" / self.directory(model_id).name

    def installed_directory(self, model_id: str) -> Path:
        """The directory of an installed model. Raises ModelMissing with the pull command as remedy."""
        if not self.is_installed(model_id):
            remedy = secretary_command(f"models pull {model_id}")
            raise ModelMissing(f"the model {model_id} is not in {self.root}; run: {remedy}", remedy=remedy)
        return self.directory(model_id)

    def is_installed(self, model_id: str) -> bool:
        """True if all files exist in full size. Contents are not read."""
        manifest = self.manifest(model_id)
        if manifest is not None:
            return all(self._has_file(model_id, f.path, f.size) for f in manifest.files)
        return any(self._is_complete(model_id, files) for files in self._catalogue_builds(model_id))

    def revision(self, model_id: str) -> str:
        """The revision of an installed model, or an empty string."""
        manifest = self.manifest(model_id)
        if manifest is not None:
            return manifest.revision
        model = self._model(model_id)
        return model.revision if model is not None and self.is_installed(model_id) else ""

    def manifest(self, model_id: str) -> ModelManifest | None:
        """The manifest, or None if it is missing or invalid."""
        try:
            return ModelManifest.model_validate_json((self.directory(model_id) / MANIFEST_NAME).read_bytes())
        except (OSError, ValidationError):
            return None

    def _catalogue_builds(self, model_id: str) -> list[tuple[ModelFile, ...]]:
        model = self._model(model_id)
        return [] if model is None else [model.files_from(source) for source in model.sources]

    def _model(self, model_id: str) -> CatalogueModel | None:
        catalogue = self._catalogue or load_catalogue()
        return next((m for m in catalogue.models if m.id == model_id), None)

    def _is_complete(self, model_id: str, files: tuple[ModelFile, ...]) -> bool:
        return bool(files) and all(self._has_file(model_id, f.path, f.size) for f in files)

    def _has_file(self, model_id: str, path: str, size: int | None) -> bool:
        try:
            actual = (self.directory(model_id) / path).stat().st_size
        except (OSError, ValueError):  # an invalid path
            return False
        return actual > 0 if size is None else actual == size
