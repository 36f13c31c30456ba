"""Bodies and replies of ``/models``."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from deployments.administration.models.views import DownloadStatus, HubModel, ModelStorage, ModelView, ScanStatus
from deployments.administration.office.drafts import Draft
from deployments.contracts.frozen_model import FrozenModel
from deployments.models.catalogue import ModelKind

__all__ = [
    "DeletedModel",
    "DownloadRequest",
    "DownloadStatus",
    "HubModel",
    "HubSearchResults",
    "ModelList",
    "ModelStorage",
    "ScanStatus",
]

Pattern = Annotated[str, Field(min_length=1, max_length=100)]


class DownloadRequest(Draft):
    """Either a model of the catalogue, or a repository of the hub with its kind."""

    model_id: str | None = Field(default=None, max_length=100)
    repo_id: str | None = Field(default=None, max_length=200)
    revision: str = Field(default="main", pattern=r"^[A-Za-z0-9][\w./-]{0,99}$")
    kind: ModelKind = "chat"
    accept_licence: bool = Field(default=False, description="Needed for a model with accept_licence in /models/list")
    include: tuple[Pattern, ...] = Field(
        default=("*",), min_length=1, max_length=20, description="Patterns of file names in the repository's top folder"
    )

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.model_id is None) == (self.repo_id is None):
            raise ValueError("give either model_id or repo_id")
        return self


class ModelList(FrozenModel):
    models: tuple[ModelView, ...]


class HubSearchResults(FrozenModel):
    models: tuple[HubModel, ...]


class DeletedModel(FrozenModel):
    """``freed`` is in bytes."""

    id: str
    freed: int
