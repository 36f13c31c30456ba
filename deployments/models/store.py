"""Where models lie on disk: ``<root>/<model id>/<file path>`` and a manifest that is written last.

A directory that somebody copied here by hand counts as installed when every file of the catalogue is there in full
size. Downloads grow in ``<root>/.partial`` on the same file system, so that a finished model appears in one rename.
"""

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from deployments.contracts.errors import ModelMissing
from deployments.models.catalogue import Catalogue, CatalogueModel, ModelFile, load_catalogue

MANIFEST_NAME = "manifest.json"


class InstalledFile(BaseModel):
    """``sha256`` is what was measured; ``verified`` says against what: catalogue, hub or nothing."""

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
    """Read side of the model directory. ``root`` need not exist."""

    def __init__(self, root: Path, catalogue: Catalogue | None = None) -> None:
        self.root = root
        self._known = catalogue

    def directory(self, model_id: str) -> Path:
        """Where the model is or would be. Raises ValueError for an id that would leave ``root``."""
        if model_id.startswith(".") or Path(model_id).name != model_id:
            raise ValueError(f"{model_id!r} is not a model id")
        return self.root / model_id

    def partial_directory(self, model_id: str) -> Path:
        """Where an unfinished pull grows."""
        return self.root / ".partial" / self.directory(model_id).name

    def installed_directory(self, model_id: str) -> Path:
        """Directory of an installed model. Raises ModelMissing, naming the command that brings it."""
        if not self.is_installed(model_id):
            remedy = f"secretary models pull {model_id}"
            raise ModelMissing(f"the model {model_id} is not in {self.root}; run: {remedy}", remedy=remedy)
        return self.directory(model_id)

    def is_installed(self, model_id: str) -> bool:
        """Whether all files are there in full size; contents are not read."""
        manifest = self.manifest(model_id)
        if manifest is not None:
            return all(self._complete(model_id, f.path, f.size) for f in manifest.files)
        return any(self._holds(model_id, files) for files in self._known_builds(model_id))

    def revision(self, model_id: str) -> str:
        """Revision of the installed model, or an empty string when it is not installed."""
        manifest = self.manifest(model_id)
        if manifest is not None:
            return manifest.revision
        known = self._model(model_id)
        return known.revision if known is not None and self.is_installed(model_id) else ""

    def manifest(self, model_id: str) -> ModelManifest | None:
        """What was written at the end of the pull; None when there is none or it cannot be read."""
        try:
            return ModelManifest.model_validate_json((self.directory(model_id) / MANIFEST_NAME).read_bytes())
        except (OSError, ValidationError):
            return None

    def _known_builds(self, model_id: str) -> list[tuple[ModelFile, ...]]:
        model = self._model(model_id)
        return [] if model is None else [model.files_from(source) for source in model.sources]

    def _model(self, model_id: str) -> CatalogueModel | None:
        known = self._known or load_catalogue()
        return next((m for m in known.models if m.id == model_id), None)

    def _holds(self, model_id: str, files: tuple[ModelFile, ...]) -> bool:
        return bool(files) and all(self._complete(model_id, f.path, f.size) for f in files)

    def _complete(self, model_id: str, path: str, size: int | None) -> bool:
        try:
            found = (self.directory(model_id) / path).stat().st_size
        except (OSError, ValueError):  # a path that no file can have
            return False
        return found > 0 if size is None else found == size
