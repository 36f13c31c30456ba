"""Views of models, downloads and scans. Sizes are in bytes."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from deployments.contracts.frozen_model import FrozenModel

JobState = Literal["idle", "running", "finished", "failed", "cancelled"]


class ModelView(FrozenModel):
    id: str
    kind: str = Field(description="chat, speech, recognition; other for what the catalogue does not know")
    description: str = ""
    languages: tuple[str, ...] = ()
    licence: str = ""
    licence_url: str = ""
    accept_licence: bool = False
    size: int = Field(description="On disk if installed, else the announced size")
    installed: bool
    revision: str = ""
    source: str = Field(default="", description="Source of the installed files")
    in_catalogue: bool
    in_use_by: str | None = Field(default=None, description="Service that has loaded it")
    unfinished_bytes: int = Field(default=0, description="Data of an unfinished download")


class ModelStorage(FrozenModel):
    """The file system of the models folder. ``models`` is what models take, with unfinished downloads."""

    total: int
    free: int
    models: int


class FileProgress(FrozenModel):
    path: str
    done: int
    total: int | None


class DownloadStatus(FrozenModel):
    """The running download, or the last one. ``total`` is None while it is unknown."""

    state: JobState = "idle"
    model_id: str = ""
    source: str = ""
    done: int = 0
    total: int | None = None
    files: tuple[FileProgress, ...] = ()
    notes: tuple[str, ...] = ()
    error: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


class ScanFinding(FrozenModel):
    """Result of a scan of one model, which reads all its bytes."""

    id: str
    status: Literal["whole", "damaged", "incomplete", "unknown", "gone"] = Field(
        description="unknown: it has no manifest; gone: it was deleted during the scan"
    )
    size: int
    detail: str = ""


class ScanStatus(FrozenModel):
    state: JobState = "idle"
    current: str = ""
    done: int = 0
    total: int = 0
    findings: tuple[ScanFinding, ...] = ()
    error: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


class HubFileView(FrozenModel):
    path: str
    size: int | None


class HubModel(FrozenModel):
    """A repository of the hub."""

    repo_id: str
    revision: str = ""
    licence: str = ""
    task: str = ""
    downloads: int = 0
    likes: int = 0
    gated: bool = False
    updated_at: str = ""
    size: int | None = None
    files: tuple[HubFileView, ...] = ()
