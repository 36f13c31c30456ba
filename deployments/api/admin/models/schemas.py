"""Bodies and answers of ``/models``."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from deployments.administration.drafts import Draft
from deployments.administration.model_views import DownloadStatus, HubModel, ModelView, ScanStatus
from deployments.contracts.frozen import Frozen
from deployments.models.catalogue import Kind

__all__ = ["Deleted", "DownloadRequest", "DownloadStatus", "HubModel", "ModelList", "ScanStatus", "SearchResults"]

Pattern = Annotated[str, Field(min_length=1, max_length=100)]


class DownloadRequest(Draft):
    """Either a model of the catalogue, or a repository of the hub with what it is for."""

    model_id: str | None = Field(default=None, max_length=100)
    repo_id: str | None = Field(default=None, max_length=200)
    revision: str = Field(default="main", pattern=r"^[A-Za-z0-9][\w./-]{0,99}$")
    kind: Kind = "chat"
    include: tuple[Pattern, ...] = Field(
        default=("*",), min_length=1, max_length=20, description="Patterns of file names in the repository's top folder"
    )

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.model_id is None) == (self.repo_id is None):
            raise ValueError("give either model_id or repo_id")
        return self


class ModelList(Frozen):
    models: tuple[ModelView, ...]


class SearchResults(Frozen):
    models: tuple[HubModel, ...]


class Deleted(Frozen):
    """``freed`` in bytes."""

    id: str
    freed: int
